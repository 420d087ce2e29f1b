//! Tables in the documentation that tests write, so that they say what is.

use std::{fs, path::Path};

use anyhow::{Context, bail};

/// The table stands in `docs/<file>`, between the comments `<!-- <name>: begin -->` and `<!-- <name>: end -->`, as it was found
/// by the test. Run with `WOMBAT_RENEW_DOCS=1`, it is put there.
pub fn table_in_docs(file: &str, name: &str, table: &str) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(file);
    let text = fs::read_to_string(&path)?;
    let begin = format!("<!-- {name}: begin -->\n");
    let begin = text.find(&begin).context("where the table begins")? + begin.len();
    let end = format!("<!-- {name}: end -->");
    let end = text.find(&end).context("where it ends")?;
    if text[begin..end] == *table {
        return Ok(());
    }
    if std::env::var_os("WOMBAT_RENEW_DOCS").is_some() {
        fs::write(&path, format!("{}{table}{}", &text[..begin], &text[end..]))?;
        return Ok(());
    }
    bail!("docs/{file} has another table; renew it with WOMBAT_RENEW_DOCS=1:\n{table}")
}
