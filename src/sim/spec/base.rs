//! The preset that a part of a spec starts from: kept in the value to tell where things came from.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The preset that a struct starts from. A struct supports it by a field
/// `#[serde(default, skip_serializing_if = "Base::is_none")] pub base: Base`, and a file then says `base: "name"`.
///
/// The value is the name, kept to tell where things came from; the fields have been merged when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Base(String);

impl Base {
    /// The preset's name, if one was named.
    pub fn name(&self) -> Option<&str> {
        (!self.is_none()).then_some(self.0.as_str())
    }

    /// True if no preset was named.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

/// The schema's mark of a field that names a preset.
pub const BASE_MARK: &str = "x-preset";

impl JsonSchema for Base {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Base".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "the preset that this starts from; what is written here replaces what the preset says",
            "type": "string", "minLength": 1, (BASE_MARK): true
        })
    }
}
