//! Trees as YAML.

use super::{
    random::Random,
    scalars,
    style::Style,
    tree::{Map, Node, Scalar, Value},
};

/// Writes a tree.
pub(super) fn render(root: &Node, style: Style, random: &mut Random) -> String {
    let mut writer = Writer {
        out: String::new(),
        style,
        step: *random.pick(&[2, 4]),
        random,
        variables: 0,
    };
    if style.is_in_brackets() {
        writer.flow(root);
        writer.out.push('\n');
    } else if let Value::Map(map) = &root.value
        && !map.entries.is_empty()
    {
        writer.map(map, 0);
    } else {
        writer.flow(root);
        writer.out.push('\n');
    }
    writer.out
}

struct Writer<'a> {
    out: String,
    style: Style,
    /// Columns per level.
    step: usize,
    random: &'a mut Random,
    variables: usize,
}

impl Writer<'_> {
    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    /// A map, each of whose entries has a line.
    fn map(&mut self, map: &Map, columns: usize) {
        for entry in &map.entries {
            if self.style == Style::Comments && self.random.chance(20) {
                self.indent(columns);
                self.out.push_str("# zz: [x, \"y\n");
            }
            self.indent(columns);
            self.entry(&entry.key, &entry.value, columns);
        }
    }

    fn entry(&mut self, key: &str, value: &Node, columns: usize) {
        let key = self.key(key, false);
        self.out.push_str(&key);
        self.out.push(':');
        let gap = self.gap();
        self.after(value, columns, gap);
    }

    /// What may stand after a colon, and within brackets. After a dash, tabs are mistakes.
    fn gap(&self) -> char {
        if self.style == Style::Tabs { '\t' } else { ' ' }
    }

    /// What follows a colon or a dash.
    fn after(&mut self, node: &Node, columns: usize, gap: char) {
        if let Some(anchor) = &node.anchor {
            self.out.push_str(" &");
            self.out.push_str(anchor);
        }
        match &node.value {
            Value::Map(map) if !map.entries.is_empty() && !self.random.chance(8) => {
                self.end_line();
                self.map(map, columns + self.step);
            }
            Value::List(list) if !list.items.is_empty() && !self.random.chance(15) => {
                self.end_line();
                let columns = if self.random.chance(30) {
                    columns
                } else {
                    columns + self.step
                };
                self.items(&list.items, columns);
            }
            Value::Scalar(scalar) => self.scalar(scalar, columns, gap),
            Value::Map(_) | Value::List(_) | Value::Alias(_) => {
                self.out.push(gap);
                self.flow_value(node);
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        match self.style {
            Style::Comments if self.random.chance(25) => self.out.push_str(" # it's: {x}\n"),
            Style::Tabs if self.random.chance(25) => self.out.push_str("\t# tab\n"),
            _ => self.out.push('\n'),
        }
    }

    fn items(&mut self, items: &[Node], columns: usize) {
        for item in items {
            self.indent(columns);
            self.out.push('-');
            match &item.value {
                Value::Map(map) if !map.entries.is_empty() && item.anchor.is_none() => {
                    self.out.push(' ');
                    for (index, entry) in map.entries.iter().enumerate() {
                        if index > 0 {
                            self.indent(columns + 2);
                        }
                        self.entry(&entry.key, &entry.value, columns + 2);
                    }
                }
                Value::List(_) | Value::Map(_) if item.anchor.is_none() => {
                    self.out.push(' ');
                    self.flow_value(item);
                    self.end_line();
                }
                Value::Scalar(_) | Value::Alias(_) | Value::List(_) | Value::Map(_) => {
                    self.after(item, columns, ' ');
                }
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar, columns: usize, gap: char) {
        if let Some(block) = scalars::block(scalar, columns + self.step, self.style, self.random) {
            self.out.push_str(&block);
            return;
        }
        self.out.push(gap);
        let text = self.written(scalar, false, columns + self.step);
        self.out.push_str(&text);
        self.end_line();
    }

    /// A scalar, with a variable in place of it if its style has them.
    fn written(&mut self, scalar: &Scalar, is_flow: bool, columns: usize) -> String {
        if self.style == Style::Variables && self.random.chance(40) {
            self.variables += 1;
            if let Some(text) = scalars::with_variable(scalar, self.variables, self.random) {
                return text;
            }
        }
        scalars::written(scalar, is_flow, columns, self.style, self.random)
    }

    fn key(&mut self, key: &str, is_flow: bool) -> String {
        let is_merge = key == "<<";
        match self.style {
            Style::Json => scalars::in_json(key),
            Style::QuotedLines if !is_merge && self.random.chance(30) => format!("\"{key}\""),
            Style::Variables if scalars::is_word(key) && self.random.chance(12) => {
                self.variables += 1;
                format!("${{KEY{}:{key}}}", self.variables)
            }
            _ if is_merge || scalars::is_plain(key, is_flow) => key.to_owned(),
            _ => format!("'{key}'"),
        }
    }

    fn flow(&mut self, node: &Node) {
        if let Some(anchor) = &node.anchor {
            self.out.push('&');
            self.out.push_str(anchor);
            self.out.push(' ');
        }
        self.flow_value(node);
    }

    fn flow_value(&mut self, node: &Node) {
        let gap = self.gap();
        match &node.value {
            Value::Scalar(scalar) => {
                let text = self.written(scalar, true, 8);
                self.out.push_str(&text);
            }
            Value::Alias(name) => {
                self.out.push('*');
                self.out.push_str(name);
            }
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.items.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                        self.out.push(gap);
                    }
                    self.flow(item);
                }
                self.out.push(']');
            }
            Value::Map(map) => {
                self.out.push('{');
                for (index, entry) in map.entries.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                        self.out.push(gap);
                    }
                    let key = self.key(&entry.key, true);
                    self.out.push_str(&key);
                    self.out.push(':');
                    self.out.push(gap);
                    self.flow(&entry.value);
                }
                self.out.push('}');
            }
        }
    }
}
