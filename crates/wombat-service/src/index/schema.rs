//! The document of a build: fields to search, to count and to sort by, and the stored answer.

use std::array;

use serde::Deserialize;
use serde_json::value::RawValue;
use strum::VariantArray;
use tantivy::{
    DateTime, Index, TantivyDocument, Term,
    schema::{
        DateOptions, DateTimePrecision, FAST, Field, INDEXED, IndexRecordOption, STORED, Schema,
        SchemaBuilder, TextFieldIndexing, TextOptions,
    },
    tokenizer::{LowerCaser, RawTokenizer, RemoveLongFilter, SimpleTokenizer, TextAnalyzer},
};
use time::OffsetDateTime;
use wombat_model::{BuildKey, wire::BuildView};

use super::words::Words;
use crate::catalog::Snapshot;

/// Raise it when the document of a build changes, or when older indexes may be wrong.
pub(super) const VERSION: u32 = 5;

/// One whole value, in lower case.
const WHOLE: &str = "wombat_whole";
/// Words, in lower case.
const WORDS: &str = "wombat_words";
/// Longest word, in bytes: a hash is one.
const MAX_WORD: usize = 100;

/// The fields that a query may name.
pub(super) const QUERY_FIELDS: [&str; 9] = [
    PACKAGE, COMPONENT, "module", "status", "goos", "goarch", "go", "builder", CREATED,
];
/// Import paths, and their last elements.
pub(super) const PACKAGE: &str = "package";
/// Names, and kinds with names.
pub(super) const COMPONENT: &str = "component";
/// The field that holds times.
pub(super) const CREATED: &str = "created";
/// Fields whose values are counted, and the fields that store these values.
pub(super) const FACETS: [(&str, &str); 7] = [
    ("status", "_status"),
    ("goos", "_goos"),
    ("goarch", "_goarch"),
    ("go", "_go"),
    ("module", "_module"),
    ("package", "_package"),
    ("builder", "_builder"),
];
/// Breaks ties of every order: a number taken from the id.
pub(super) const TIE: &str = "_tie";

/// Handles of all fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    id: Field,
    finished: Field,
    open: Field,
    pub(super) text: Field,
    query: [Field; QUERY_FIELDS.len()],
    facets: [Field; FACETS.len()],
    sort: [Field; Sort::VARIANTS.len()],
    tie: Field,
}

/// The stored answer of a build.
pub(super) enum Stored {
    /// Complete.
    Finished(Box<RawValue>),
    /// Without its outlook.
    Open(Box<BuildView>),
}

/// What a list can be ordered by.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Sort {
    Created,
    Finished,
    Size,
    Duration,
}

impl Sort {
    pub(super) fn name(self) -> &'static str {
        self.into()
    }

    /// The field that stores its values.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Created => "_sort_created",
            Self::Finished => "_sort_finished",
            Self::Size => "_sort_size",
            Self::Duration => "_sort_duration",
        }
    }

    /// Microseconds since 1970, bytes, milliseconds; `None` if the build has no such value yet.
    pub(super) fn value(self, build: &Sorted) -> Option<i64> {
        match self {
            Self::Created => Some(microseconds(build.requested)),
            Self::Finished => build.finished.map(microseconds),
            Self::Size => build.size.and_then(|size| i64::try_from(size).ok()),
            Self::Duration => {
                let taken = build.finished? - build.claimed?;
                i64::try_from(taken.whole_milliseconds()).ok()
            }
        }
    }
}

/// What builds are ordered by.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Sorted {
    #[serde(with = "time::serde::rfc3339")]
    requested: OffsetDateTime,
    #[serde(default, with = "time::serde::rfc3339::option")]
    claimed: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    finished: Option<OffsetDateTime>,
    #[serde(default)]
    size: Option<u64>,
}

impl From<&BuildView> for Sorted {
    fn from(view: &BuildView) -> Self {
        let build = &view.build;
        Self {
            requested: build.requested,
            claimed: build.claimed,
            finished: build.finished,
            size: build.size,
        }
    }
}

fn microseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The first 64 bits of an id's hash: no two of a few million builds share them.
pub(super) fn tie(id: &BuildKey) -> u64 {
    u64::from_str_radix(&id.hash().as_str()[..16], 16).expect("a hash is hex digits")
}

/// Identifies a build in the index.
pub(super) type ShortId = [u8; 16];

/// The first 128 bits of an id's hash, which no two builds share. Whole ids would take half of the indexing time.
pub(super) fn short_id(id: &BuildKey) -> ShortId {
    u128::from_str_radix(&id.hash().as_str()[..32], 16)
        .expect("a hash is hex digits")
        .to_be_bytes()
}

/// The schema, which is the same for every index of this version.
pub(super) fn schema() -> Schema {
    build().0
}

/// The handles in an index of this version.
pub(super) fn fields() -> Fields {
    build().1
}

fn build() -> (Schema, Fields) {
    let text = |tokenizer, positions| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_fieldnorms(false)
            .set_index_option(positions);
        TextOptions::default().set_indexing_options(indexing)
    };
    let whole = text(WHOLE, IndexRecordOption::Basic);
    let counted = TextOptions::default().set_fast("raw");
    let mut builder = SchemaBuilder::new();
    let fields = Fields {
        id: builder.add_bytes_field("_id", INDEXED),
        finished: builder.add_text_field("_finished", STORED),
        open: builder.add_text_field("_open", STORED),
        text: builder.add_text_field(
            "_text",
            text(WORDS, IndexRecordOption::WithFreqsAndPositions),
        ),
        query: QUERY_FIELDS.map(|name| {
            if name == CREATED {
                let options = DateOptions::from(INDEXED)
                    .set_fast()
                    .set_precision(DateTimePrecision::Microseconds);
                builder.add_date_field(name, options)
            } else {
                builder.add_text_field(name, whole.clone())
            }
        }),
        facets: FACETS.map(|(_, name)| builder.add_text_field(name, counted.clone())),
        sort: array::from_fn(|n| builder.add_i64_field(Sort::VARIANTS[n].field(), FAST)),
        tie: builder.add_u64_field(TIE, FAST),
    };
    (builder.build(), fields)
}

/// Registers the tokenizers of the text fields.
pub(super) fn register_tokenizers(index: &Index) {
    let whole = TextAnalyzer::builder(RawTokenizer::default())
        .filter(LowerCaser)
        .build();
    let words = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(MAX_WORD))
        .filter(LowerCaser)
        .build();
    index.tokenizers().register(WHOLE, whole);
    index.tokenizers().register(WORDS, words);
}

impl Fields {
    /// Identifies a build's document.
    pub(super) fn id(&self, key: &BuildKey) -> Term {
        Term::from_field_bytes(self.id, &short_id(key))
    }

    /// Reads the stored answer.
    pub(super) fn stored(&self, document: &TantivyDocument) -> Option<Stored> {
        use tantivy::schema::Value as _;

        let text = |field| document.get_first(field)?.as_str();
        if let Some(view) = text(self.finished) {
            return RawValue::from_string(view.to_owned())
                .ok()
                .map(Stored::Finished);
        }
        let view = serde_json::from_str(text(self.open)?).ok()?;
        Some(Stored::Open(view))
    }

    /// The document of a build. Its components are those that the catalog lists for its packages.
    pub(super) fn document(
        &self,
        view: &BuildView,
        catalog: &Snapshot,
    ) -> Result<TantivyDocument, serde_json::Error> {
        let mut document = TantivyDocument::default();
        document.add_bytes(self.id, &short_id(&view.id));
        let stored = if view.build.status.is_terminal() {
            self.finished
        } else {
            self.open
        };
        document.add_text(stored, serde_json::to_string(view)?);
        document.add_u64(self.tie, tie(&view.id));
        let sorted = Sorted::from(view);
        for (sort, field) in Sort::VARIANTS.iter().zip(self.sort) {
            if let Some(value) = sort.value(&sorted) {
                document.add_i64(field, value);
            }
        }
        let words = Words::of(view, catalog);
        for (name, field) in QUERY_FIELDS.into_iter().zip(self.query) {
            if name == CREATED {
                document.add_date(field, DateTime::from_utc(view.build.requested));
            } else {
                for value in words.searched(name) {
                    document.add_text(field, value);
                }
            }
        }
        for ((name, _), field) in FACETS.into_iter().zip(self.facets) {
            for value in words.counted(name) {
                document.add_text(field, value);
            }
        }
        document.add_text(self.text, words.text(view));
        Ok(document)
    }
}
