//! How often each value occurs among all hits.

use serde_json::{Map, Value, json};
use tantivy::{
    TantivyError,
    aggregation::{
        AggContextParams, AggregationCollector, agg_req::Aggregations,
        agg_result::AggregationResults,
    },
};
use wombat_model::wire::{FacetCount, Facets};

use super::schema::FACETS;

/// Values a field, the most frequent ones.
const MAX_VALUES: usize = 100;

/// Counts the values of all facet fields.
pub(super) fn collector() -> Result<AggregationCollector, TantivyError> {
    let aggregations: Map<String, Value> = FACETS
        .into_iter()
        .map(|(name, field)| {
            // As many are kept of each segment, so that counts are exact unless a field has more values than that.
            let terms =
                json!({"terms": {"field": field, "size": MAX_VALUES, "segment_size": 10_000}});
            (name.to_owned(), terms)
        })
        .collect();
    let request: Aggregations = serde_json::from_value(Value::Object(aggregations))
        .map_err(|error| TantivyError::InternalError(error.to_string()))?;
    Ok(AggregationCollector::from_aggs(
        request,
        AggContextParams::default(),
    ))
}

/// Reads the counts.
pub(super) fn counts(results: &AggregationResults) -> Result<Facets, TantivyError> {
    let results = serde_json::to_value(results)
        .map_err(|error| TantivyError::InternalError(error.to_string()))?;
    let facets = FACETS.into_iter().map(|(name, _)| {
        let buckets = results[name]["buckets"].as_array();
        let mut counts: Vec<FacetCount> = buckets
            .into_iter()
            .flatten()
            .filter_map(|bucket| {
                Some(FacetCount {
                    value: bucket["key"].as_str()?.to_owned(),
                    count: bucket["doc_count"].as_u64()?,
                })
            })
            .collect();
        counts.sort_by(|left, right| {
            right
                .count
                .cmp(&left.count)
                .then_with(|| left.value.cmp(&right.value))
        });
        (name.to_owned(), counts)
    });
    Ok(facets.collect())
}
