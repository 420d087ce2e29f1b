//! Ways to write the same pipeline.

use super::random::Random;

/// How a pipeline is written. A component by its `type` may be in any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Style {
    /// Lines and indentation.
    Block,
    /// Brackets.
    Flow,
    /// Texts in quotes, over several lines.
    QuotedLines,
    /// Values that are written once and referred to.
    Anchors,
    /// Fields of other maps, by `<<`.
    Merge,
    /// Tabs where they are allowed.
    Tabs,
    /// Lines that end as on Windows.
    Crlf,
    /// A byte order mark.
    Bom,
    /// Variables as values, names and parts of them.
    Variables,
    /// Several documents.
    Documents,
    /// JSON.
    Json,
    /// Comments everywhere.
    Comments,
}

impl Style {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Block,
        Self::Flow,
        Self::QuotedLines,
        Self::Anchors,
        Self::Merge,
        Self::Tabs,
        Self::Crlf,
        Self::Bom,
        Self::Variables,
        Self::Documents,
        Self::Json,
        Self::Comments,
    ];

    /// Whether the whole pipeline is in brackets.
    pub(super) fn is_in_brackets(self) -> bool {
        matches!(self, Self::Flow | Self::Json)
    }

    /// What is about the text as a whole.
    pub(super) fn finish(self, text: String, random: &mut Random) -> String {
        match self {
            Self::Crlf => text.replace('\n', "\r\n"),
            Self::Bom => format!("\u{feff}{text}"),
            Self::Documents => {
                let before = *random.pick(&["", "---\n", "%YAML 1.1\n---\n", "--- # first\n"]);
                let end = *random.pick(&["", "...\n"]);
                let more = *random.pick(&[
                    "---\noutput: {drop: {}}\n",
                    "---\nname: own\ntype: processor\nmapping: 'root = {}'\n",
                    "--- {}\n---\ninput: {stdin: {}}\n",
                    "---\n",
                ]);
                format!("{before}{text}{end}{more}")
            }
            Self::Block
            | Self::Flow
            | Self::QuotedLines
            | Self::Anchors
            | Self::Merge
            | Self::Tabs
            | Self::Variables
            | Self::Json
            | Self::Comments => text,
        }
    }
}
