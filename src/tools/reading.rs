//! Arguments from JSON: what is wrong is said with its place, the nearest name, and what the tool takes.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::attempt::Wrong;

/// The schema of what a tool takes. Nothing in it is nullable: what may be left out is not in `required`.
pub fn input<A: JsonSchema>() -> Map<String, Value> {
    let mut schema = inlined::<A>(SchemaSettings::draft2020_12());
    schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    let mut value = Value::Object(schema);
    without_null(&mut value);
    into_object(value)
}

/// The schema of what a tool answers.
pub(super) fn output<A: JsonSchema>() -> Map<String, Value> {
    inlined::<A>(SchemaSettings::draft2020_12().for_serialize())
}

fn inlined<A: JsonSchema>(settings: SchemaSettings) -> Map<String, Value> {
    // Clients are not agreed on references; a tree that stands by itself is read by all of them.
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    let mut value = settings.into_generator().into_root_schema_for::<A>().to_value();
    without_formats(&mut value);
    let mut schema = into_object(value);
    schema.remove("$schema");
    schema.remove("title");
    schema
}

fn into_object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// `uint32` and the like are Rust's, and readers of schemas complain of them.
fn without_formats(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // A field may be called so: then it is no text.
            if fields.get("format").is_some_and(Value::is_string) {
                fields.remove("format");
            }
            fields.values_mut().for_each(without_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(without_formats),
        _ => {}
    }
}

fn without_null(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    fields.insert("type".to_string(), one);
                }
            }
            if fields.get("default").is_some_and(Value::is_null) {
                fields.remove("default");
            }
            fields.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Arguments of a tool, whose input schema is given.
///
/// # Errors
/// What is wrong with them, where, and what the tool takes.
pub fn read<A: DeserializeOwned>(
    tool: &str,
    schema: &Map<String, Value>,
    arguments: Map<String, Value>,
) -> Result<A, Wrong> {
    let known = properties(schema);
    if let Some(odd) = arguments.keys().find(|name| !known.iter().any(|(known, ..)| known == *name)) {
        let odd: String = odd.chars().take(60).collect();
        let hint = nearest(&odd, known.iter().map(|(name, ..)| name.as_str()));
        return Err(Wrong(format!("{tool} takes no argument \"{odd}\"{hint}. {}", takes(tool, schema))));
    }
    // Many clients send null for what is left out.
    let arguments: Map<String, Value> = arguments.into_iter().filter(|(_, value)| !value.is_null()).collect();
    if let Some((missing, ..)) = known.iter().find(|(name, _, needed)| *needed && !arguments.contains_key(name)) {
        return Err(Wrong(format!("{tool} needs \"{missing}\". {}", takes(tool, schema))));
    }
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let (place, why) = (error.path().to_string(), error.inner().to_string());
        Wrong(format!("{tool}, argument \"{place}\": {why}. {}", takes(tool, schema)))
    })
}

/// Names of arguments with their types, and whether they are needed.
fn properties(schema: &Map<String, Value>) -> Vec<(String, String, bool)> {
    let needed: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema.get("properties").and_then(Value::as_object);
    let kind = |field: &Value| field.get("type").and_then(Value::as_str).unwrap_or("value").to_string();
    fields
        .into_iter()
        .flatten()
        .map(|(name, field)| (name.clone(), kind(field), needed.contains(&name.as_str())))
        .collect()
}

/// What a tool takes, in a sentence.
fn takes(tool: &str, schema: &Map<String, Value>) -> String {
    let one = |(name, kind, needed): (String, String, bool)| {
        if needed { format!("{name} ({kind})") } else { format!("{name} ({kind}, may be left out)") }
    };
    match properties(schema) {
        known if known.is_empty() => format!("{tool} takes no arguments"),
        known => format!("{tool} takes: {}", known.into_iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}

/// The nearest of the names there are, as a clause.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let best = known.map(|known| (likeness(known), known)).filter(|(likeness, _)| 0.75 < *likeness);
    let best = best.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    best.map_or(String::new(), |(_, known)| format!("; did you mean \"{known}\"?"))
}
