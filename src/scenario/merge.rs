//! Laying a document over the preset it names as its base.
//!
//! What the document says wins. Structs merge field by field, maps entry by entry, a `Some` with a `Some`, a variant
//! with the same variant. Lists whose items have a `name` or an `id` merge item by item: a new name is appended, and
//! `Remove("name")` takes one out (in a map, `"key": Remove`). Every other list, and an empty one, replaces the list of
//! the preset. A preset may have a base itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::joined;
use super::diagnostic::{Diagnostic, Place};
use super::load::Presets;
use super::schema::{Content, Fields, Schema, Shape};
use super::source::Source;
use super::syntax;
use super::tree::{Name, Node, Value};

/// Presets may have bases this deeply.
const DEEPEST: usize = 16;
/// A document may grow to this many values by presets.
const MOST_NODES: usize = 1_000_000;

/// What merging came to.
#[derive(Debug)]
pub struct Merged {
    /// The presets that were read, in the order in which they were first named.
    pub sources: Vec<Arc<Source>>,
    /// The mistakes found: presets that do not exist or cannot be read, bases in a circle, removals of nothing.
    pub found: Vec<Diagnostic>,
    /// True if some preset is not in the tree, so that what it would have said is missing.
    pub partial: bool,
}

/// Lays everything in a tree that names a preset over that preset, guided by the schema.
pub fn merge(root: &mut Node, schema: Schema<'_>, presets: &Presets) -> Merged {
    let merged = Merged { sources: Vec::new(), found: Vec::new(), partial: false };
    let mut merger = Merger { presets, read: BTreeMap::new(), chain: Vec::new(), depth: 0, nodes: 0, merged };
    merger.node(root, schema);
    merger.merged
}

struct Merger<'p> {
    presets: &'p Presets,
    /// Presets as written, once read; `None` if they cannot be.
    read: BTreeMap<String, Option<Node>>,
    /// The presets that are being laid under each other just now.
    chain: Vec<String>,
    depth: usize,
    nodes: usize,
    merged: Merged,
}

impl Merger<'_> {
    fn node(&mut self, node: &mut Node, schema: Schema<'_>) {
        if self.depth > syntax::DEEPEST {
            let message = format!("with its presets, this is nested more than {} deep", syntax::DEEPEST);
            self.say(Diagnostic::new(node.head(), message).expected("a flatter file"));
            node.value = Value::Broken;
            return;
        }
        self.depth += 1;
        self.inner(node, schema.optional().unwrap_or(schema));
        self.depth -= 1;
    }

    fn inner(&mut self, node: &mut Node, schema: Schema<'_>) {
        match (&mut node.value, schema.shape()) {
            (Value::Option(Some(inner)), _) => self.node(inner, schema),
            (Value::List(items), Shape::List(each, ..)) => items.iter_mut().for_each(|item| self.node(item, each)),
            (Value::Map(entries), Shape::Map(each)) => entries.iter_mut().for_each(|(_, value)| self.node(value, each)),
            (Value::Tuple { items, .. }, Shape::Tuple(each)) => {
                items.iter_mut().zip(each).for_each(|(item, schema)| self.node(item, schema));
            }
            (Value::Struct { .. }, Shape::Struct(fields)) => self.fields(node, &fields, schema),
            (Value::Tuple { name: Some(name), .. } | Value::Struct { name: Some(name), .. }, Shape::Enum(variants)) => {
                let Some(variant) = variants.into_iter().find(|v| v.name == name.text) else { return };
                match (&mut node.value, variant.content) {
                    (Value::Tuple { items, .. }, Content::One(each)) => {
                        items.iter_mut().for_each(|item| self.node(item, each));
                    }
                    (Value::Tuple { items, .. }, Content::Several(each)) => {
                        items.iter_mut().zip(each).for_each(|(item, schema)| self.node(item, schema));
                    }
                    (Value::Struct { .. }, Content::Fields(fields)) => self.fields(node, &fields, schema),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, node: &mut Node, wanted: &Fields<'_>, schema: Schema<'_>) {
        let Value::Struct { fields, .. } = &mut node.value else { return };
        let mut base = None;
        for (name, value) in fields.iter_mut() {
            match wanted.get(&name.text) {
                Some(field) if field.names_preset() => {
                    base = value.as_text().map(|t| (t.to_owned(), value.place.clone()))
                }
                Some(field) => self.node(value, field),
                None => {}
            }
        }
        if let Some((name, place)) = base {
            match self.preset(&name, &place, schema) {
                Some(preset) => {
                    let over = std::mem::replace(&mut node.value, Value::Broken);
                    let over = Node { value: over, place: node.place.clone() };
                    *node = self.lay(preset, over);
                }
                None => self.merged.partial = true,
            }
        }
    }

    /// The preset of a name, itself laid over its base.
    fn preset(&mut self, name: &str, place: &Place, schema: Schema<'_>) -> Option<Node> {
        if let Some(first) = self.chain.iter().position(|member| member == name) {
            let round = joined(self.chain[first..].iter().map(String::as_str));
            let message = format!("presets in a circle: {round}");
            self.say(Diagnostic::new(place.clone(), message).help("take away one of these `base` lines"));
            return None;
        }
        if self.chain.len() >= DEEPEST {
            self.say(Diagnostic::new(place.clone(), format!("more than {DEEPEST} presets lie over each other")));
            return None;
        }
        let mut preset = self.as_written(name, place)?;
        self.nodes += count(&preset);
        if self.nodes > MOST_NODES {
            let message = format!("the presets make more than {MOST_NODES} values of this file");
            self.say(Diagnostic::new(place.clone(), message));
            return None;
        }
        if let Value::Tuple { name, items, bare: false } = &mut preset.value
            && items.is_empty()
        {
            preset.value = Value::Struct { name: name.take(), fields: Vec::new() };
        }
        if !matches!(preset.value, Value::Struct { .. }) {
            self.say(Diagnostic::new(preset.head(), "a preset is a struct").expected("fields in parentheses"));
            return None;
        }
        self.chain.push(name.to_owned());
        self.node(&mut preset, schema);
        self.chain.pop();
        Some(preset)
    }

    fn as_written(&mut self, name: &str, place: &Place) -> Option<Node> {
        if let Some(read) = self.read.get(name) {
            return read.clone();
        }
        let Some(source) = self.presets.get(name) else {
            let mistake = Diagnostic::new(place.clone(), format!("no preset is called `{name}`"));
            let mistake =
                mistake.expected("the name of a preset").nearest(name, self.presets.keys().map(String::as_str));
            self.say(mistake);
            return None;
        };
        self.merged.sources.push(Arc::clone(source));
        let (root, mut found) = syntax::read(source);
        let root = root.filter(|_| found.is_empty());
        self.merged.found.append(&mut found);
        self.read.insert(name.to_owned(), root.clone());
        root
    }

    fn say(&mut self, mistake: Diagnostic) {
        self.merged.found.push(mistake);
    }

    /// One value over another.
    fn lay(&mut self, under: Node, over: Node) -> Node {
        let place = over.place;
        let value = match (under.value, over.value) {
            (Value::Struct { name: a, fields: low }, Value::Struct { name: b, fields: high }) if same(&a, &b) => {
                Value::Struct { name: b.or(a), fields: self.lay_fields(low, high) }
            }
            (Value::Option(Some(low)), Value::Option(Some(high))) => {
                Value::Option(Some(Box::new(self.lay(*low, *high))))
            }
            (Value::Map(low), Value::Map(high)) => Value::Map(self.lay_entries(low, high)),
            (Value::List(low), Value::List(high)) if merges(&low, &high) => Value::List(self.lay_items(low, high)),
            (
                Value::Tuple { name: a, items: mut low, bare: false },
                Value::Tuple { name: b, items: mut high, bare: false },
            ) if a.is_some() && same(&a, &b) && low.len() == 1 && high.len() == 1 => {
                let items = low.pop().zip(high.pop()).map(|(low, high)| self.lay(low, high));
                Value::Tuple { name: b, items: items.into_iter().collect(), bare: false }
            }
            (_, over) => over,
        };
        Node { value, place }
    }

    fn lay_fields(&mut self, low: Vec<(Name, Node)>, high: Vec<(Name, Node)>) -> Vec<(Name, Node)> {
        // A place is taken once, so that what a file says twice stays twice and is reported.
        let mut places: BTreeMap<String, usize> = low.iter().map(|(n, _)| n.text.clone()).zip(0..).collect();
        let mut fields: Vec<Option<(Name, Node)>> = low.into_iter().map(Some).collect();
        for (name, over) in high {
            let at = places.remove(&name.text);
            match at.and_then(|at| fields[at].take().map(|(_, under)| (at, under))) {
                Some((at, under)) => fields[at] = Some((name, self.lay(under, over))),
                None => fields.push(Some((name, over))),
            }
        }
        fields.into_iter().flatten().collect()
    }

    fn lay_entries(&mut self, low: Vec<(Node, Node)>, high: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
        let text = |key: &Node| key.as_text().map(str::to_owned);
        let mut places: BTreeMap<String, usize> =
            low.iter().map(|(k, _)| text(k)).zip(0..).filter_map(|(k, at)| Some((k?, at))).collect();
        let mut entries: Vec<Option<(Node, Node)>> = low.into_iter().map(Some).collect();
        for (key, over) in high {
            let at = key.as_text().and_then(|k| places.remove(k));
            match at.and_then(|at| entries[at].take().map(|under| (at, under))) {
                Some(_) if is_remove(&over) => {}
                Some((at, (_, under))) => entries[at] = Some((key, self.lay(under, over))),
                None => entries.push(Some((key, over))),
            }
        }
        entries.into_iter().flatten().collect()
    }

    fn lay_items(&mut self, low: Vec<Node>, high: Vec<Node>) -> Vec<Node> {
        let named = |item: &Node| id(item).map(str::to_owned);
        let mut places: BTreeMap<String, usize> =
            low.iter().map(named).zip(0..).filter_map(|(n, at)| Some((n?, at))).collect();
        let mut items: Vec<Option<Node>> = low.into_iter().map(Some).collect();
        for over in high {
            if let Some(names) = removed(&over) {
                for name in names {
                    match places.remove(name.as_text().unwrap_or_default()) {
                        Some(at) => items[at] = None,
                        None => self.nothing_to_remove(name, places.keys()),
                    }
                }
                continue;
            }
            let at = id(&over).and_then(|n| places.remove(n));
            match at.and_then(|at| items[at].take().map(|under| (at, under))) {
                Some((at, under)) => items[at] = Some(self.lay(under, over)),
                None => items.push(Some(over)),
            }
        }
        items.into_iter().flatten().collect()
    }

    fn nothing_to_remove<'n>(&mut self, name: &Node, there: impl Iterator<Item = &'n String>) {
        let wanted = name.as_text().unwrap_or_default();
        let mistake = Diagnostic::new(name.place.clone(), format!("the preset has no `{wanted}` to remove"));
        let mistake = mistake.expected("the name of an item of the preset").nearest(wanted, there.map(String::as_str));
        self.merged.found.push(mistake);
    }
}

/// True for `Remove` alone, which takes an entry out of a map.
fn is_remove(over: &Node) -> bool {
    matches!(&over.value, Value::Tuple { name: Some(name), bare: true, .. } if name.text == "Remove")
}

/// True if both are called the same or one of them is not called anything: the name of a struct may be left out.
fn same(a: &Option<Name>, b: &Option<Name>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.text == b.text,
        _ => true,
    }
}

fn merges(low: &[Node], high: &[Node]) -> bool {
    !low.is_empty()
        && !high.is_empty()
        && low.iter().all(|item| id(item).is_some())
        && high.iter().all(|item| id(item).is_some() || removed(item).is_some())
}

/// What an item is called: its `name`, else its `id`.
fn id(item: &Node) -> Option<&str> {
    item.entry("name").or_else(|| item.entry("id")).and_then(Node::as_text)
}

/// The names that `Remove("a", "b")` holds, if this is one.
fn removed(item: &Node) -> Option<&[Node]> {
    match &item.value {
        Value::Tuple { name: Some(name), items, bare: false } if name.text == "Remove" => {
            items.iter().all(|item| item.as_text().is_some()).then_some(items)
        }
        _ => None,
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Option(Some(inner)) => count(inner),
        Value::List(items) | Value::Tuple { items, .. } => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| 1 + count(value)).sum(),
        Value::Struct { fields, .. } => fields.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}
