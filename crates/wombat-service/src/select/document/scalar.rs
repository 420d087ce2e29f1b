//! Values of scalars, as yaml.v3 decodes them.

use super::Value;

/// Whether it decodes to nothing.
pub(crate) fn is_null(value: &Value) -> bool {
    let Value::Scalar { text, plain: true } = value else {
        return false;
    };
    matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
}

/// Whether it decodes to true where a boolean is expected. The words of YAML 1.1 count there, also in quotes.
pub(crate) fn is_true(value: &Value) -> bool {
    let Value::Scalar { text, plain } = value else {
        return false;
    };
    match text.as_str() {
        "true" | "True" | "TRUE" => *plain,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str, plain: bool) -> Value {
        let text = text.to_owned();
        Value::Scalar { text, plain }
    }

    #[test]
    fn booleans_and_nulls_are_those_of_yaml_1_1() {
        for word in ["true", "True", "TRUE"] {
            assert!(is_true(&scalar(word, true)) && !is_true(&scalar(word, false)));
        }
        for word in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"] {
            assert!(is_true(&scalar(word, true)) && is_true(&scalar(word, false)));
        }
        for word in ["", "false", "no", "off", "N", "1", "tRUE", "yES", "enabled"] {
            assert!(!is_true(&scalar(word, true)), "{word}");
        }
        for word in ["", "~", "null", "Null", "NULL"] {
            assert!(is_null(&scalar(word, true)) && !is_null(&scalar(word, false)));
        }
        assert!(!is_null(&scalar("nil", true)) && !is_null(&Value::List(Vec::new())));
    }
}
