//! Builds a value from a tree through serde, and knows where a mistake stands that serde or the type reports.
//!
//! Names and forms are `ron`'s: a struct may carry its name, `Some` is written out, numbers are read by `ron`. One
//! thing differs: a newtype struct is written as what it holds (as with `#[serde(transparent)]`).

use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};

use super::diagnostic::{Diagnostic, Place};
use super::tree::{Name, Node, Value};

/// Builds a value from a tree.
///
/// # Errors
/// The first mistake that serde or the type itself reports.
pub fn build<T: DeserializeOwned>(node: &Node) -> Result<T, Box<Diagnostic>> {
    T::deserialize(Reader(node)).map_err(|e| {
        let mut mistake = Diagnostic::new(e.place.unwrap_or_else(|| node.head()), e.message);
        mistake.expected = e.expected;
        Box::new(mistake)
    })
}

/// What serde reports, with the innermost place that it went through.
#[derive(Debug)]
struct Fault {
    message: String,
    expected: Option<String>,
    place: Option<Place>,
}

impl Fault {
    fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Fault { message: message.to_string(), expected: None, place: None }
    }
}

#[derive(Clone, Copy)]
struct Reader<'n>(&'n Node);

type Read<V> = Result<V, Fault>;

/// Reads the node with a seed; a mistake without a place stands here.
fn seeded<'de, S: DeserializeSeed<'de>>(seed: S, node: &Node) -> Read<S::Value> {
    seed.deserialize(Reader(node)).map_err(|e| e.at(node.head()))
}

impl Reader<'_> {
    fn wrong<V>(self, wanted: &str) -> Read<V> {
        Err(Fault {
            message: "something else should stand here".to_owned(),
            expected: Some(wanted.to_owned()),
            place: Some(self.0.head()),
        })
    }

    fn number<N: DeserializeOwned>(self) -> Read<N> {
        match &self.0.value {
            Value::Number(raw) => ron::from_str(raw).map_err(|e| de::Error::custom(e.code)),
            _ => self.wrong("a number"),
        }
    }

    fn sequence<'de, V: Visitor<'de>>(self, items: &[Node], visitor: V) -> Read<V::Value> {
        let mut rest = Items(items.iter());
        let value = visitor.visit_seq(&mut rest).map_err(|e| e.at(self.0.head()))?;
        match rest.0.next() {
            None => Ok(value),
            Some(extra) => Reader(extra).wrong("nothing more"),
        }
    }

    fn fields<'de, V: Visitor<'de>>(self, fields: &[(Name, Node)], visitor: V) -> Read<V::Value> {
        visitor.visit_map(FieldsIn { rest: fields.iter(), value: None }).map_err(|e| e.at(self.0.head()))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            visitor.$visit(self.number::<$type>()?)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    numbers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(_) => match self.number::<ron::Value>()? {
                ron::Value::Number(n @ (ron::Number::U8(_) | ron::Number::U16(_) | ron::Number::U32(_))) => {
                    visitor.visit_u64(n.into_f64() as u64) // exact: at most 32 bits
                }
                ron::Value::Number(ron::Number::U64(n)) => visitor.visit_u64(n),
                ron::Value::Number(n @ (ron::Number::I8(_) | ron::Number::I16(_) | ron::Number::I32(_))) => {
                    visitor.visit_i64(n.into_f64() as i64) // exact: at most 32 bits
                }
                ron::Value::Number(ron::Number::I64(n)) => visitor.visit_i64(n),
                ron::Value::Number(n) => visitor.visit_f64(n.into_f64()),
                _ => self.wrong("a number"),
            },
            Value::Char(c) => visitor.visit_char(*c),
            Value::Text(text) => visitor.visit_str(text),
            Value::Bytes(bytes) => visitor.visit_bytes(bytes),
            Value::Option(_) => self.deserialize_option(visitor),
            Value::List(items) => self.sequence(items, visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Tuple { items, .. } if items.is_empty() => visitor.visit_unit(),
            Value::Tuple { items, .. } => self.sequence(items, visitor),
            Value::Struct { fields, .. } => self.fields(fields, visitor),
            Value::Broken => self.wrong("something readable"),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            _ => self.wrong("`true` or `false`"),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Char(c) => visitor.visit_char(*c),
            _ => self.wrong("a character"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Text(text) => visitor.visit_str(text),
            _ => self.wrong("a string"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Bytes(bytes) => visitor.visit_bytes(bytes),
            _ => self.wrong("a byte string"),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Option(None) => visitor.visit_none(),
            Value::Option(Some(inner)) => visitor.visit_some(Reader(inner)).map_err(|e| e.at(inner.head())),
            _ => self.wrong("`Some(..)` or `None`"),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Tuple { name: None, items, .. } if items.is_empty() => visitor.visit_unit(),
            _ => self.wrong("`()`"),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Tuple { name: Some(found), bare: true, .. } if found.text == name => visitor.visit_unit(),
            _ => self.deserialize_unit(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::List(items) => self.sequence(items, visitor),
            _ => self.wrong("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Tuple { name: None, items, .. } => self.sequence(items, visitor),
            _ => self.wrong("values in parentheses"),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, name: &'static str, _: usize, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Tuple { name: found, items, bare: false } => {
                check_name(found.as_ref(), name)?;
                self.sequence(items, visitor)
            }
            _ => self.wrong("values in parentheses"),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Map(entries) => {
                let entries = EntriesIn { rest: entries.iter(), value: None };
                visitor.visit_map(entries).map_err(|e| e.at(self.0.head()))
            }
            _ => self.wrong("a map"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        match &self.0.value {
            Value::Struct { name: found, fields } => {
                check_name(found.as_ref(), name)?;
                self.fields(fields, visitor)
            }
            Value::Tuple { name: found, items, bare: false } if items.is_empty() => {
                check_name(found.as_ref(), name)?;
                self.fields(&[], visitor)
            }
            _ => self.wrong("fields in parentheses"),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        match &self.0.value {
            Value::Tuple { name: Some(name), .. } | Value::Struct { name: Some(name), .. } => {
                visitor.visit_enum(VariantIn { node: self.0, name }).map_err(|e| e.at(name.place.clone()))
            }
            _ => self.wrong("a variant"),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_unit()
    }
}

fn check_name(found: Option<&Name>, wanted: &str) -> Read<()> {
    match found {
        Some(found) if found.text != wanted => Err(Fault {
            message: format!("this is a `{wanted}`, not a `{}`", found.text),
            expected: Some(format!("`{wanted}(..)` or `(..)`")),
            place: Some(found.place.clone()),
        }),
        _ => Ok(()),
    }
}

struct Items<'n>(std::slice::Iter<'n, Node>);

impl<'de> de::SeqAccess<'de> for &mut Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        self.0.next().map(|node| seeded(seed, node)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct FieldsIn<'n> {
    rest: std::slice::Iter<'n, (Name, Node)>,
    value: Option<&'n Node>,
}

impl<'de> de::MapAccess<'de> for FieldsIn<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        let Some((name, node)) = self.rest.next() else { return Ok(None) };
        self.value = Some(node);
        let key: StrDeserializer<'_, Fault> = name.text.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|e| e.at(name.place.clone()))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<S::Value> {
        match self.value.take() {
            Some(node) => seeded(seed, node),
            None => Err(de::Error::custom("a value was asked for before its name")),
        }
    }
}

struct EntriesIn<'n> {
    rest: std::slice::Iter<'n, (Node, Node)>,
    value: Option<&'n Node>,
}

impl<'de> de::MapAccess<'de> for EntriesIn<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        let Some((key, node)) = self.rest.next() else { return Ok(None) };
        self.value = Some(node);
        seeded(seed, key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<S::Value> {
        match self.value.take() {
            Some(node) => seeded(seed, node),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

struct VariantIn<'n> {
    node: &'n Node,
    name: &'n Name,
}

impl<'n, 'de> de::EnumAccess<'de> for VariantIn<'n> {
    type Error = Fault;
    type Variant = ContentIn<'n>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<(S::Value, ContentIn<'n>)> {
        let name: StringDeserializer<Fault> = self.name.text.clone().into_deserializer();
        let variant = seed.deserialize(name).map_err(|e| e.at(self.name.place.clone()))?;
        Ok((variant, ContentIn(self.node)))
    }
}

struct ContentIn<'n>(&'n Node);

impl<'de> de::VariantAccess<'de> for ContentIn<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Read<()> {
        match &self.0.value {
            Value::Tuple { bare: true, .. } => Ok(()),
            _ => Reader(self.0).wrong("the variant's name alone"),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<S::Value> {
        match &self.0.value {
            Value::Tuple { items, bare: false, .. } if items.len() == 1 => seeded(seed, &items[0]),
            _ => Reader(self.0).wrong("a variant with one value"),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Tuple { items, bare: false, .. } => Reader(self.0).sequence(items, visitor),
            _ => Reader(self.0).wrong("a variant with several values"),
        }
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Read<V::Value> {
        match &self.0.value {
            Value::Struct { fields, .. } => Reader(self.0).fields(fields, visitor),
            Value::Tuple { items, bare: false, .. } if items.is_empty() => Reader(self.0).fields(&[], visitor),
            _ => Reader(self.0).wrong("a variant with fields"),
        }
    }
}
