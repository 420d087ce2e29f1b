//! Tables in the documentation that tests check and write, so that they stay true.

use std::{fs, path::Path};

use anyhow::{Context, bail};

/// Checks that `docs/<file>` has this table between the comments `<!-- <name>: begin -->` and `<!-- <name>: end -->`.
/// With `WOMBAT_RENEW_DOCS=1`, writes it there.
pub fn table_in_docs(file: &str, name: &str, table: &str) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(file);
    let text = fs::read_to_string(&path)?;
    let begin = format!("<!-- {name}: begin -->\n");
    let begin = text.find(&begin).context("the begin comment is missing")? + begin.len();
    let end = format!("<!-- {name}: end -->");
    let end = text.find(&end).context("the end comment is missing")?;
    if text[begin..end] == *table {
        return Ok(());
    }
    if std::env::var_os("WOMBAT_RENEW_DOCS").is_some() {
        fs::write(&path, format!("{}{table}{}", &text[..begin], &text[end..]))?;
        return Ok(());
    }
    bail!("docs/{file} has a different table; renew it with WOMBAT_RENEW_DOCS=1:\n{table}")
}
