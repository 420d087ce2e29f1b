//! Whole pipelines.

use std::collections::BTreeSet;

use wombat_model::catalog::{Component, ComponentKind, Documentation};

use super::{
    catalog::Catalog,
    components::has,
    damage,
    input::Input,
    maker::Maker,
    mapping_mistakes, mappings, mistakes,
    random::Random,
    render, repeats,
    style::Style,
    tree::{Entry, MapRole, Node, ScalarRole, Value},
};

/// Out of a hundred pipelines, how many have a mistake.
const WITH_MISTAKE: usize = 45;

/// A pipeline around one component: each has its turn.
pub(super) fn pipeline(catalog: &Catalog, random: Random, number: usize) -> Input {
    let known = &catalog.components[number % catalog.components.len()];
    let mut maker = Maker::new(catalog, random);
    let style = *maker.random.pick(&Style::ALL);
    let mut root = around(&mut maker, &known.documentation);
    let has_mistake = known.is_in_oracle && maker.random.chance(WITH_MISTAKE);
    let mut mistake = None;
    if has_mistake && maker.random.chance(88) {
        mistake = mistakes::plant(&mut root, &mut maker.random);
    }
    // A mistake in the tree stays the only one: what is repeated afterwards is valid.
    repeats::apply(&mut root, style, &mut maker.random);
    let mut text = render::render(&root, style, &mut maker.random);
    if has_mistake && mistake.is_none() {
        let (damaged, what) = damage::damage(&text, style, &mut maker.random);
        text = damaged;
        mistake = Some(what);
    }
    Input {
        components: used(maker.found, &text),
        text: style.finish(text, &mut maker.random),
        mistake,
        style,
    }
}

/// What is used of what was made: not everything that was made is written.
fn used(made: BTreeSet<Component>, text: &str) -> BTreeSet<Component> {
    let is_called = |name: &str| {
        let call = format!("{name}(");
        text.match_indices(&call).any(|(at, _)| {
            let before = text[..at].bytes().next_back();
            !before.is_some_and(|it| it.is_ascii_alphanumeric() || it == b'_')
        })
    };
    let is_used = |it: &Component| match it.kind {
        ComponentKind::BloblangFunction | ComponentKind::BloblangMethod => is_called(&it.name),
        _ => true,
    };
    made.into_iter().filter(is_used).collect()
}

/// A pipeline with one mapping.
pub(super) fn mapping(catalog: &Catalog, random: Random, number: usize) -> Input {
    let known = &catalog.calls[number % catalog.calls.len()];
    let mut maker = Maker::new(catalog, random);
    let mut text = mappings::mapping(&mut maker, &known.documentation);
    let mut mistake = None;
    if known.is_in_oracle && maker.random.chance(50) {
        let (wrong, what) = mapping_mistakes::plant(&text, &mut maker.random);
        text = wrong;
        mistake = Some(what);
    }
    let style = *maker
        .random
        .pick(&[Style::Block, Style::Flow, Style::Json, Style::Crlf]);
    let processor = catalog.simple(ComponentKind::Processor);
    let name = processor.iter().find(|it| it.name == "mapping");
    if let Some(documentation) = name {
        maker.found.insert(documentation.component());
    }
    let mapping = Node::text(text, ScalarRole::Mapping);
    let root = Node::map(
        MapRole::Fields,
        vec![Entry::new(
            "pipeline",
            processors(vec![named("mapping", mapping)]),
        )],
    );
    let text = render::render(&root, style, &mut maker.random);
    Input {
        components: used(maker.found, &text),
        text: style.finish(text, &mut maker.random),
        mistake,
        style,
    }
}

fn named(name: &str, config: Node) -> Node {
    let role = MapRole::Component {
        kind: ComponentKind::Processor,
        direct: true,
    };
    Node::map(role, vec![Entry::new(name, config)])
}

fn processors(items: Vec<Node>) -> Node {
    Node::map(
        MapRole::Fields,
        vec![Entry::new("processors", Node::list(items))],
    )
}

/// A pipeline in which a component stands where it belongs, with others around it.
fn around(maker: &mut Maker<'_>, documentation: &Documentation) -> Node {
    use ComponentKind::{
        Buffer, Cache, Input, Metric, Output, Processor, RateLimit, Scanner, Tracer,
    };

    let mut entries = Vec::new();
    let kind = documentation.kind;
    let add = |maker: &mut Maker<'_>, field: &str, of: ComponentKind| {
        let node = if of == kind {
            maker.component(documentation, 0, true)
        } else {
            maker.any(of, 1, true)
        };
        Entry::new(field, node)
    };
    if kind == Scanner {
        let scanner = maker.component(documentation, 1, false);
        entries.push(Entry::new("input", file_with(maker, scanner)));
    } else if kind == Input || maker.random.chance(50) {
        entries.push(add(maker, "input", Input));
    }
    if kind == Buffer || maker.random.chance(10) {
        entries.push(add(maker, "buffer", Buffer));
    }
    if kind == Processor || maker.random.chance(40) {
        let mut items = vec![add(maker, "", Processor).value];
        if maker.random.chance(30) {
            items.push(maker.any(Processor, 1, true));
        }
        entries.push(Entry::new("pipeline", processors(items)));
    }
    if kind == Output || maker.random.chance(50) {
        entries.push(add(maker, "output", Output));
    }
    for (field, of) in [
        ("cache_resources", Cache),
        ("rate_limit_resources", RateLimit),
    ] {
        if kind == of || maker.random.chance(8) {
            let mut resource = add(maker, "", of).value;
            label(&mut resource, maker);
            entries.push(Entry::new(field, Node::list(vec![resource])));
        }
    }
    for (field, of) in [("metrics", Metric), ("tracer", Tracer)] {
        if kind == of || maker.random.chance(8) {
            entries.push(add(maker, field, of));
        }
    }
    let catalog = maker.catalog;
    for field in &catalog.stream {
        let is_setting = !field.children.is_empty() && field.name != "pipeline";
        let is_scalar = field.children.is_empty() && field.kind().is_none();
        if (is_setting || is_scalar) && !field.deprecated && maker.random.chance(4) {
            let value = maker.value(field, &field.name, 1);
            entries.push(Entry::new(&field.name, value));
        }
    }
    Node::map(MapRole::Fields, entries)
}

/// Resources have labels.
fn label(resource: &mut Node, maker: &mut Maker<'_>) {
    if let Value::Map(map) = &mut resource.value
        && !has(map, "label")
    {
        let mut label = maker.label();
        label.is_required = true;
        map.entries.insert(0, label);
    }
}

fn file_with(maker: &mut Maker<'_>, scanner: Node) -> Node {
    let files = maker.catalog.of_kind(ComponentKind::Input);
    if let Some(documentation) = files.iter().find(|it| it.name == "file") {
        maker.found.insert(documentation.component());
    }
    let paths = Node::list(vec![Node::text("a.txt", ScalarRole::Value)]);
    let fields = vec![Entry::new("paths", paths), Entry::new("scanner", scanner)];
    let role = MapRole::Component {
        kind: ComponentKind::Input,
        direct: true,
    };
    Node::map(
        role,
        vec![Entry::new("file", Node::map(MapRole::Fields, fields))],
    )
}
