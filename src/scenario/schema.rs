//! Asks a JSON Schema, as `schemars` makes it from a type, what may stand at a place in a file.
//!
//! RON and JSON write enums differently: what the schema calls an object with one property is a variant here, and what
//! it calls a string is a variant without content. Newtype structs look like what they hold, so types of the format
//! derive `#[serde(transparent)]` for them. Not understood, and taken for anything: `flatten`, `untagged` and
//! internally tagged enums.

use serde_json::{Map as Object, Value as Json};

/// A place in a schema.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'s> {
    root: &'s Json,
    here: &'s Json,
}

/// What may stand at a place.
#[derive(Clone, Debug)]
pub enum Shape<'s> {
    /// Anything; serde decides.
    Any,
    /// `true` or `false`.
    Bool,
    /// A whole number between two others.
    Integer(i128, i128),
    /// A number within limits.
    Number(Limits),
    /// A string with so many characters; if exactly one, perhaps a `char`, which looks the same in a schema.
    Text(u64, u64),
    /// `()`.
    Unit,
    /// A list with so many items.
    List(Schema<'s>, u64, u64),
    /// So many values in parentheses.
    Tuple(Vec<Schema<'s>>),
    /// A map with strings as keys.
    Map(Schema<'s>),
    /// A struct.
    Struct(Fields<'s>),
    /// An enum.
    Enum(Vec<Variant<'s>>),
}

/// The limits of a number.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Least value.
    pub least: f64,
    /// Greatest value.
    pub most: f64,
    /// The number must be greater than the least.
    pub above_least: bool,
    /// The number must be less than the greatest.
    pub below_most: bool,
}

/// The fields of a struct.
#[derive(Clone, Debug)]
pub struct Fields<'s> {
    schema: Schema<'s>,
    properties: Option<&'s Object<String, Json>>,
    required: Vec<&'s str>,
}

/// A variant of an enum.
#[derive(Clone, Debug)]
pub struct Variant<'s> {
    /// Its name.
    pub name: &'s str,
    /// What it holds.
    pub content: Content<'s>,
}

/// What a variant holds.
#[derive(Clone, Debug)]
pub enum Content<'s> {
    /// Nothing: `Name`.
    Nothing,
    /// One value: `Name(value)`.
    One(Schema<'s>),
    /// Several: `Name(a, b)`.
    Several(Vec<Schema<'s>>),
    /// Fields: `Name(field: a)`.
    Fields(Fields<'s>),
}

impl<'s> Schema<'s> {
    /// The root of a schema.
    pub fn new(root: &'s Json) -> Self {
        Schema { root, here: root }
    }

    fn at(self, here: &'s Json) -> Self {
        Schema { here, ..self }
    }

    fn get(self, key: &str) -> Option<&'s Json> {
        self.here.get(key)
    }

    /// Follows references, and what names a type, to where it is said.
    fn resolved(self) -> Self {
        let mut schema = self;
        for _ in 0..16 {
            let Some(pointer) = schema.get("$ref").and_then(Json::as_str) else { break };
            let Some(target) = schema.root.pointer(pointer.trim_start_matches('#')) else { break };
            schema = schema.at(target);
        }
        schema
    }

    /// The name of the type, if it has one.
    pub fn type_name(self) -> Option<&'s str> {
        match self.get("$ref").and_then(Json::as_str) {
            Some(pointer) => pointer.rsplit('/').next(),
            None => self.get("title").and_then(Json::as_str),
        }
    }

    /// If this is an `Option`: the schema of what `Some` holds.
    pub fn optional(self) -> Option<Schema<'s>> {
        let schema = self.resolved();
        let null = |json: &&Json| json.get("type").and_then(Json::as_str) == Some("null");
        let types = schema.get("type").and_then(Json::as_array);
        if types.is_some_and(|types| types.iter().any(|t| t.as_str() == Some("null"))) {
            return Some(schema);
        }
        let branches = schema.get("anyOf").and_then(Json::as_array)?;
        branches.iter().any(|branch| null(&branch)).then_some(())?;
        branches.iter().find(|branch| !null(branch)).map(|branch| schema.at(branch))
    }

    /// True if this names a preset; see [`crate::sim::spec::base::Base`].
    pub fn names_preset(self) -> bool {
        self.resolved().get(crate::sim::spec::base::BASE_MARK).is_some()
    }

    /// What may stand here; within `Some`, if this is an `Option`.
    pub fn shape(self) -> Shape<'s> {
        let schema = self.resolved();
        if let Some(variants) = schema.variants() {
            return Shape::Enum(variants);
        }
        let kind = match schema.get("type") {
            Some(Json::String(kind)) => kind.as_str(),
            Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).find(|k| *k != "null").unwrap_or("null"),
            _ => return Shape::Any,
        };
        match kind {
            "boolean" => Shape::Bool,
            "integer" => schema.integer(),
            "number" => Shape::Number(schema.limits()),
            "string" => Shape::Text(schema.count("minLength", 0), schema.count("maxLength", u64::MAX)),
            "null" => Shape::Unit,
            "array" => schema.array(),
            "object" => schema.object(),
            _ => Shape::Any,
        }
    }

    fn count(self, key: &str, default: u64) -> u64 {
        self.get(key).and_then(Json::as_u64).unwrap_or(default)
    }

    fn integer(self) -> Shape<'s> {
        let (least, most) = match self.get("format").and_then(Json::as_str).unwrap_or_default() {
            "uint8" => (0, i128::from(u8::MAX)),
            "uint16" => (0, i128::from(u16::MAX)),
            "uint32" => (0, i128::from(u32::MAX)),
            "int8" => (i128::from(i8::MIN), i128::from(i8::MAX)),
            "int16" => (i128::from(i16::MIN), i128::from(i16::MAX)),
            "int32" => (i128::from(i32::MIN), i128::from(i32::MAX)),
            format if format.starts_with("uint") => (0, i128::from(u64::MAX)),
            _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
        };
        let limits = self.limits();
        let above = limits.least.max(-1e38) as i128 + i128::from(limits.above_least);
        let below = limits.most.min(1e38) as i128 - i128::from(limits.below_most);
        Shape::Integer(least.max(above), most.min(below))
    }

    fn limits(self) -> Limits {
        let number = |key| self.get(key).and_then(Json::as_f64);
        let above = number("exclusiveMinimum");
        let below = number("exclusiveMaximum");
        Limits {
            least: above.or(number("minimum")).unwrap_or(f64::NEG_INFINITY),
            most: below.or(number("maximum")).unwrap_or(f64::INFINITY),
            above_least: above.is_some(),
            below_most: below.is_some(),
        }
    }

    fn array(self) -> Shape<'s> {
        let most = self.count("maxItems", u64::MAX);
        match (self.get("prefixItems").and_then(Json::as_array), self.get("items")) {
            (Some(items), _) => Shape::Tuple(items.iter().map(|item| self.at(item)).collect()),
            (None, _) if most == 0 => Shape::Tuple(Vec::new()),
            (None, Some(items)) => Shape::List(self.at(items), self.count("minItems", 0), most),
            (None, None) => Shape::Any,
        }
    }

    fn object(self) -> Shape<'s> {
        match (self.get("properties"), self.get("additionalProperties")) {
            (None, Some(values)) if values.as_bool() != Some(false) => Shape::Map(self.at(values)),
            _ => Shape::Struct(self.fields()),
        }
    }

    fn fields(self) -> Fields<'s> {
        let required = self.get("required").and_then(Json::as_array);
        Fields {
            schema: self,
            properties: self.get("properties").and_then(Json::as_object),
            required: required.into_iter().flatten().filter_map(Json::as_str).collect(),
        }
    }

    fn variants(self) -> Option<Vec<Variant<'s>>> {
        if let Some(names) = self.unit_variants() {
            return Some(names);
        }
        let branches = self.get("oneOf").or_else(|| self.get("anyOf")).and_then(Json::as_array)?;
        let mut variants = Vec::new();
        for branch in branches {
            let branch = self.at(branch);
            match branch.unit_variants() {
                Some(names) => variants.extend(names),
                None => variants.push(branch.content_variant()?),
            }
        }
        Some(variants)
    }

    fn unit_variants(self) -> Option<Vec<Variant<'s>>> {
        let unit = |name| Variant { name, content: Content::Nothing };
        if let Some(name) = self.get("const").and_then(Json::as_str) {
            return Some(vec![unit(name)]);
        }
        let names = self.get("enum").and_then(Json::as_array)?;
        Some(names.iter().filter_map(Json::as_str).map(unit).collect())
    }

    /// A variant with content: an object that must have its only property, and no other.
    fn content_variant(self) -> Option<Variant<'s>> {
        let properties = self.get("properties").and_then(Json::as_object).filter(|p| p.len() == 1)?;
        self.get("additionalProperties").filter(|other| other.as_bool() == Some(false))?;
        let (name, content) = properties.iter().next()?;
        let inner = self.at(content);
        let content = match (inner.get("$ref"), inner.shape()) {
            (None, Shape::Struct(fields)) => Content::Fields(fields),
            (None, Shape::Tuple(items)) => Content::Several(items),
            _ => Content::One(inner),
        };
        Some(Variant { name, content })
    }
}

impl<'s> Fields<'s> {
    /// The schema of a field.
    pub fn get(&self, name: &str) -> Option<Schema<'s>> {
        self.properties?.get(name).map(|json| self.schema.at(json))
    }

    /// The names of all fields.
    pub fn names(&self) -> Vec<&'s str> {
        self.properties.into_iter().flat_map(|p| p.keys()).map(String::as_str).collect()
    }

    /// The names of the fields that must be written.
    pub fn required(&self) -> &[&'s str] {
        &self.required
    }
}
