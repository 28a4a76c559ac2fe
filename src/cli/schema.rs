//! `schema`: the JSON Schema of the scenario format, for editors and authors.

use crate::cli::{Failure, print};
use crate::scenario::file::ScenarioFile;
use crate::scenario::load::json_schema;

/// Prints the schema.
pub fn schema() -> Result<(), Failure> {
    let schema = json_schema::<ScenarioFile>();
    print(&serde_json::to_string_pretty(&schema).map_err(|e| Failure::Surroundings(e.to_string()))?)
}
