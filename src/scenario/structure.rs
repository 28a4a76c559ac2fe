//! Compares a tree with the schema of a type and reports everything that does not fit.

use std::collections::BTreeSet;

use super::diagnostic::{Diagnostic, list, nearest, shorten};
use super::schema::{Content, Fields, Limits, Schema, Shape, Variant};
use super::tree::{Name, Node, Value};

/// Reports what does not fit. Fields that do not exist, and repeated ones, are taken out of the tree, so that the
/// value may still be built and checked further. If the tree is `partial` (a preset could not be read), missing fields
/// are not reported.
pub fn check(node: &mut Node, schema: Schema<'_>, partial: bool) -> Vec<Diagnostic> {
    let mut checker = Checker { found: Vec::new(), partial };
    checker.node(node, schema);
    checker.found
}

struct Checker {
    found: Vec<Diagnostic>,
    partial: bool,
}

impl Checker {
    fn node(&mut self, node: &mut Node, schema: Schema<'_>) {
        match (&mut node.value, schema.optional()) {
            (Value::Broken, _) => {}
            (Value::Option(None), Some(_)) => {}
            (Value::Option(Some(inner)), Some(some)) => self.shape(inner, some),
            (_, Some(some)) => self.no_option(node, some),
            (_, None) => self.shape(node, schema),
        }
    }

    fn no_option(&mut self, node: &Node, some: Schema<'_>) {
        let text = node.place.source.slice(&node.place.span);
        let help = format!("write `Some({})`", shorten(text, 40));
        let expected = format!("`None` or `Some(..)` with {}", describe(some));
        self.found.push(wrong(node, expected).help(help));
    }

    fn shape(&mut self, node: &mut Node, schema: Schema<'_>) {
        let shape = schema.shape();
        match (&mut node.value, &shape) {
            (Value::Broken, _) | (_, Shape::Any) => {}
            (Value::Tuple { name: Some(name), .. }, _) if name.text == "Remove" && !offers_remove(&shape) => {
                let message = "there is nothing here to remove from";
                self.found.push(
                    Diagnostic::new(node.place.clone(), message)
                        .expected(describe(schema))
                        .help("`Remove` takes named items out of the list of a preset that was named as `base`"),
                );
            }
            (Value::Bool(_), Shape::Bool) | (Value::Char(_), Shape::Text(1, 1)) => {}
            (Value::Number(raw), Shape::Integer(least, most)) => {
                let fault = integer_fault(raw, *least, *most);
                self.found.extend(fault.map(|message| number_mistake(node, message, schema)));
            }
            (Value::Number(raw), Shape::Number(limits)) => {
                let fault = number_fault(raw, *limits);
                self.found.extend(fault.map(|message| number_mistake(node, message, schema)));
            }
            (Value::Text(text), Shape::Text(least, most)) => {
                let length = text.chars().count() as u64;
                if length < *least || length > *most {
                    let message = format!("a string of {length} characters");
                    self.found.push(Diagnostic::new(node.place.clone(), message).expected(describe(schema)));
                }
            }
            (Value::List(items), Shape::List(each, least, most)) => {
                let count = items.len() as u64;
                items.iter_mut().for_each(|item| self.node(item, *each));
                if count < *least || count > *most {
                    let message = format!("a list of {count} items");
                    self.found.push(Diagnostic::new(node.head(), message).expected(describe(schema)));
                }
            }
            (Value::Map(entries), Shape::Map(values)) => self.map(entries, *values),
            (Value::Tuple { name, items, bare }, Shape::Struct(fields)) if items.is_empty() && !*bare => {
                node.value = Value::Struct { name: name.take(), fields: Vec::new() };
                self.fields(node, fields, schema.type_name());
            }
            (Value::Struct { .. }, Shape::Struct(fields)) => self.fields(node, fields, schema.type_name()),
            (Value::Tuple { name: None, items, .. }, Shape::Unit) if items.is_empty() => {}
            (Value::Tuple { name: None, items, .. }, Shape::Tuple(wanted)) if items.len() == wanted.len() => {
                items.iter_mut().zip(wanted).for_each(|(item, schema)| self.node(item, *schema));
            }
            (Value::Tuple { name: Some(_), .. } | Value::Struct { name: Some(_), .. }, Shape::Enum(variants)) => {
                self.variant(node, variants, schema);
            }
            _ => self.found.push(wrong(node, describe(schema)).help_if(way_out(node, &shape))),
        }
    }

    fn map(&mut self, entries: &mut Vec<(Node, Node)>, values: Schema<'_>) {
        let mut seen = BTreeSet::new();
        entries.retain_mut(|(key, value)| {
            self.node(value, values);
            match key.as_text() {
                Some(name) if !seen.insert(name.to_owned()) => {
                    let message = format!("a second entry `{}`", shorten(name, 40));
                    self.found.push(Diagnostic::new(key.place.clone(), message).expected("each key once"));
                    false
                }
                Some(_) => true,
                None => {
                    if !matches!(key.value, Value::Broken) {
                        self.found.push(wrong(key, "a string as key".to_owned()));
                    }
                    true
                }
            }
        });
    }

    fn tuple(&mut self, node: &mut Node, wanted: &[Schema<'_>]) {
        match &mut node.value {
            Value::Tuple { items, .. } if items.len() == wanted.len() => {
                items.iter_mut().zip(wanted).for_each(|(item, schema)| self.node(item, *schema));
            }
            _ => self.found.push(wrong(node, format!("{} values in parentheses", wanted.len()))),
        }
    }

    /// Fields of a struct or of a variant of that name.
    fn fields(&mut self, node: &mut Node, wanted: &Fields<'_>, of: Option<&str>) {
        let head = node.head();
        let Value::Struct { fields, .. } = &mut node.value else { return };
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let names = wanted.names();
        fields.retain_mut(|(name, value)| match wanted.get(&name.text) {
            None => {
                self.found.push(unknown_field(name, &names, &seen, of));
                false
            }
            Some(_) if !seen.insert(name.text.clone()) => {
                let message = format!("the field `{}` stands here twice", name.text);
                self.found.push(Diagnostic::new(name.place.clone(), message).expected("each field once"));
                false
            }
            Some(schema) => {
                self.node(value, schema);
                true
            }
        });
        let missing: Vec<&str> = wanted.required().iter().copied().filter(|name| !seen.contains(*name)).collect();
        if !missing.is_empty() && !self.partial {
            self.found.push(missing_fields(head, &missing, wanted, of));
        }
    }

    fn variant(&mut self, node: &mut Node, variants: &[Variant<'_>], schema: Schema<'_>) {
        let (Value::Tuple { name: Some(name), .. } | Value::Struct { name: Some(name), .. }) = &node.value else {
            return;
        };
        let Some(variant) = variants.iter().find(|v| v.name == name.text) else {
            let names: Vec<&str> = variants.iter().map(|v| v.name).collect();
            let kind = schema.type_name().map_or_else(String::new, |t| format!(" of `{t}`"));
            let message = format!("no variant{kind} is called `{}`", shorten(&name.text, 40));
            let mistake = Diagnostic::new(name.place.clone(), message).expected(list(&names));
            self.found.push(match nearest(&name.text, names) {
                Some(near) => mistake.help(format!("did you mean `{near}`?")),
                None => mistake,
            });
            return;
        };
        match (&mut node.value, &variant.content) {
            (Value::Tuple { bare: true, .. }, Content::Nothing) => {}
            (Value::Tuple { items, bare: false, .. }, Content::One(inner)) if items.len() == 1 => {
                self.node(&mut items[0], *inner);
            }
            // A variant with one tuple looks like one with several values in a schema.
            (Value::Tuple { items, bare: false, .. }, Content::Several(wanted))
                if matches!(items.as_slice(), [Node { value: Value::Tuple { name: None, .. }, .. }])
                    && wanted.len() > 1 =>
            {
                self.tuple(&mut items[0], wanted);
            }
            (Value::Tuple { items, bare: false, .. }, Content::Several(wanted)) if items.len() == wanted.len() => {
                items.iter_mut().zip(wanted).for_each(|(item, schema)| self.node(item, *schema));
            }
            (Value::Tuple { name, items, bare: false }, Content::Fields(fields)) if items.is_empty() => {
                node.value = Value::Struct { name: name.take(), fields: Vec::new() };
                self.fields(node, fields, Some(variant.name));
            }
            (Value::Struct { .. }, Content::Fields(fields)) => self.fields(node, fields, Some(variant.name)),
            _ => {
                let name = variant.name;
                let message = format!("`{name}` does not hold this");
                self.found.push(Diagnostic::new(node.head(), message).expected(form(variant)));
            }
        }
    }
}

impl Diagnostic {
    fn help_if(self, help: Option<&str>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

fn offers_remove(shape: &Shape<'_>) -> bool {
    matches!(shape, Shape::Enum(variants) if variants.iter().any(|v| v.name == "Remove"))
}

fn wrong(node: &Node, expected: String) -> Diagnostic {
    Diagnostic::new(node.head(), format!("{} where something else should stand", kind_of(node))).expected(expected)
}

fn number_mistake(node: &Node, message: String, schema: Schema<'_>) -> Diagnostic {
    Diagnostic::new(node.place.clone(), message).expected(describe(schema))
}

fn unknown_field(name: &Name, names: &[&str], seen: &BTreeSet<String>, of: Option<&str>) -> Diagnostic {
    let text = shorten(&name.text, 40);
    let whose = of.map_or_else(|| "this struct".to_owned(), |of| format!("`{of}`"));
    let free: Vec<&str> = names.iter().copied().filter(|n| !seen.contains(*n)).collect();
    let mistake = Diagnostic::new(name.place.clone(), format!("{whose} has no field `{text}`"))
        .expected(if names.is_empty() { "no field at all".to_owned() } else { list(names) });
    match nearest(&name.text, free) {
        Some(near) => mistake.help(format!("did you mean `{near}`?")),
        None => mistake,
    }
}

fn missing_fields(
    head: super::diagnostic::Place,
    missing: &[&str],
    wanted: &Fields<'_>,
    of: Option<&str>,
) -> Diagnostic {
    let whose = of.map_or_else(|| "this struct".to_owned(), |of| format!("`{of}`"));
    let plural = if missing.len() == 1 { "" } else { "s" };
    let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
    let expected: Vec<String> = missing
        .iter()
        .take(4)
        .map(|name| format!("`{name}: ` {}", wanted.get(name).map_or_else(|| "a value".to_owned(), describe)))
        .collect();
    Diagnostic::new(head, format!("{whose} lacks the field{plural} {}", names.join(", "))).expected(expected.join(", "))
}

fn integer_fault(raw: &str, least: i128, most: i128) -> Option<String> {
    let read = ron::from_str::<i64>(raw).map(i128::from).or_else(|_| ron::from_str::<u64>(raw).map(i128::from));
    match read {
        Ok(value) if (least..=most).contains(&value) => None,
        Ok(value) => Some(format!("{value} is out of range")),
        Err(e) => Some(match ron::from_str::<f64>(raw) {
            Ok(_) if raw.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'+' | b'-')) => {
                format!("{} is out of range", shorten(raw, 40))
            }
            Ok(_) => format!("{} is not a whole number", shorten(raw, 40)),
            Err(_) => format!("{} cannot be read: {}", shorten(raw, 40), e.code),
        }),
    }
}

fn number_fault(raw: &str, limits: Limits) -> Option<String> {
    let text = shorten(raw, 40);
    match ron::from_str::<f64>(raw) {
        Err(e) => Some(format!("{text} cannot be read: {}", e.code)),
        Ok(value) if !value.is_finite() => Some(format!("{text} is not a finite number")),
        Ok(value) => {
            let low = value < limits.least || (limits.above_least && value <= limits.least);
            let high = value > limits.most || (limits.below_most && value >= limits.most);
            (low || high).then(|| format!("{text} is out of range"))
        }
    }
}

/// What a reader calls a node.
fn kind_of(node: &Node) -> String {
    match &node.value {
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(raw) => format!("the number {}", shorten(raw, 40)),
        Value::Char(_) => "a character".to_owned(),
        Value::Text(text) => format!("the string \"{}\"", shorten(text, 40).escape_debug()),
        Value::Bytes(_) => "a byte string".to_owned(),
        Value::Option(None) => "`None`".to_owned(),
        Value::Option(Some(_)) => "`Some(..)`".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
        Value::Tuple { name: Some(name), bare: true, .. } => format!("the name `{}`", shorten(&name.text, 40)),
        Value::Tuple { name: Some(name), .. } | Value::Struct { name: Some(name), .. } => {
            format!("`{}(..)`", shorten(&name.text, 40))
        }
        Value::Tuple { items, .. } => format!("{} values in parentheses", items.len()),
        Value::Struct { .. } => "fields in parentheses".to_owned(),
        Value::Broken => "something unreadable".to_owned(),
    }
}

/// What a reader should have written.
fn describe(schema: Schema<'_>) -> String {
    match schema.optional() {
        Some(some) => format!("`None` or `Some(..)` with {}", describe_shape(some)),
        None => describe_shape(schema),
    }
}

fn describe_shape(schema: Schema<'_>) -> String {
    match schema.shape() {
        Shape::Any => "a value".to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Integer(least, most) => whole_number(least, most),
        Shape::Number(limits) => number(limits),
        Shape::Text(1, 1) => "one character such as 'a'".to_owned(),
        Shape::Text(least, most) => {
            format!("a string{}", range_of(least, most, "characters"))
        }
        Shape::Unit => "`()`".to_owned(),
        Shape::List(_, least, most) => format!("a list `[..]`{}", range_of(least, most, "items")),
        Shape::Tuple(items) => format!("{} values in parentheses", items.len()),
        Shape::Map(_) => "a map `{\"key\": value}`".to_owned(),
        Shape::Struct(_) => format!("`{}(field: value)`", schema.type_name().unwrap_or_default()),
        Shape::Enum(variants) => list(&variants.iter().map(|v| v.name).collect::<Vec<_>>()),
    }
}

fn range_of(least: u64, most: u64, what: &str) -> String {
    match (least, most) {
        (0, u64::MAX) => String::new(),
        (least, u64::MAX) => format!(" of at least {least} {what}"),
        (0, most) => format!(" of at most {most} {what}"),
        (least, most) if least == most => format!(" of {least} {what}"),
        (least, most) => format!(" of {least} to {most} {what}"),
    }
}

fn whole_number(least: i128, most: i128) -> String {
    let plain =
        |bound: i128| bound == i128::from(i64::MIN) || bound == i128::from(u64::MAX) || bound == i128::from(i64::MAX);
    match (plain(least), plain(most)) {
        (true, true) => "a whole number".to_owned(),
        (false, true) => format!("a whole number of at least {least}"),
        _ => format!("a whole number from {least} to {most}"),
    }
}

fn number(limits: Limits) -> String {
    let low = if limits.above_least { "above" } else { "of at least" };
    let high = if limits.below_most { "below" } else { "of at most" };
    match (limits.least.is_finite(), limits.most.is_finite()) {
        (false, false) => "a number".to_owned(),
        (true, false) => format!("a number {low} {}", limits.least),
        (false, true) => format!("a number {high} {}", limits.most),
        (true, true) if limits.above_least || limits.below_most => {
            format!("a number {low} {} and {high} {}", limits.least, limits.most)
        }
        (true, true) => format!("a number from {} to {}", limits.least, limits.most),
    }
}

/// How a variant is written.
fn form(variant: &Variant<'_>) -> String {
    let name = variant.name;
    match &variant.content {
        Content::Nothing => format!("`{name}` alone"),
        Content::One(inner) => format!("`{name}(..)` with {}", describe(*inner)),
        Content::Several(items) => format!("`{name}(..)` with {} values", items.len()),
        Content::Fields(_) => format!("`{name}(field: value)`"),
    }
}

/// A hint for the slips that are easiest to make.
fn way_out(node: &Node, shape: &Shape<'_>) -> Option<&'static str> {
    match (&node.value, shape) {
        (Value::Text(text), Shape::Enum(variants)) if variants.iter().any(|v| v.name == text) => {
            Some("write the name without quotes")
        }
        (Value::Tuple { bare: true, .. }, Shape::Text(..)) => Some("a string stands in double quotes"),
        (Value::Map(_), Shape::Struct(_)) => {
            Some("the fields of a struct stand in parentheses, their names without quotes")
        }
        (Value::Struct { .. }, Shape::Map(_)) => Some("a map stands in braces, its keys in quotes: `{\"key\": value}`"),
        (Value::Tuple { .. }, Shape::List(..)) => Some("a list stands in square brackets"),
        (Value::List(_), Shape::Tuple(_)) => Some("these values stand in parentheses"),
        (Value::Option(Some(_)), _) => Some("this must be there, so it is written without `Some`"),
        (Value::Option(None), _) => Some("this must be there"),
        _ => None,
    }
}
