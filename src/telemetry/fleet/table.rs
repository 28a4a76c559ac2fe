//! A table as kubectl prints it, or the same as JSON.

use serde_json::{Map, Value, json};

use crate::telemetry::fleet::verb::Output;

/// Columns and rows of text.
pub(super) struct Table {
    kind: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(kind: &'static str, columns: &[&'static str]) -> Table {
        Table { kind, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().take(self.columns.len()).collect());
    }

    pub(super) fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Leaves out rows for which `keep` is false of a column's cell.
    pub(super) fn retain(&mut self, column: &str, keep: impl Fn(&str) -> bool) {
        if let Some(n) = self.columns.iter().position(|c| *c == column) {
            self.rows.retain(|row| row.get(n).is_some_and(|cell| keep(cell)));
        }
    }

    /// Leaves out a column.
    pub(super) fn without(&mut self, column: &str) {
        if let Some(n) = self.columns.iter().position(|c| *c == column) {
            self.columns.remove(n);
            self.rows.iter_mut().filter(|row| n < row.len()).for_each(|row| drop(row.remove(n)));
        }
    }

    /// Sorts rows by a column.
    pub(super) fn sort(&mut self, column: &str) {
        if let Some(n) = self.columns.iter().position(|c| *c == column) {
            self.rows.sort_by(|a, b| a.get(n).cmp(&b.get(n)));
        }
    }

    pub(super) fn cells(&self, column: &str) -> Vec<String> {
        let Some(n) = self.columns.iter().position(|c| *c == column) else { return Vec::new() };
        self.rows.iter().filter_map(|row| row.get(n).cloned()).collect()
    }

    pub(super) fn print(&self, output: Output) -> String {
        match output {
            Output::Json => self.json(),
            Output::Plain | Output::Wide if self.rows.is_empty() => format!("No {} found.\n", self.kind),
            Output::Plain | Output::Wide => self.text(),
        }
    }

    fn text(&self) -> String {
        let width = |n: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count());
            cells.chain([self.columns[n].len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            format!("{}\n", padded.join("   ").trim_end())
        };
        let mut text = line(&mut self.columns.iter().copied());
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }

    fn json(&self) -> String {
        let key =
            |column: &str| column.to_lowercase().replace([' ', '-', '(', ')'], "_").trim_end_matches('_').to_string();
        let item = |row: &Vec<String>| -> Value {
            let pairs = self.columns.iter().zip(row).map(|(column, cell)| (key(column), json!(cell)));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        let items: Vec<Value> = self.rows.iter().map(item).collect();
        format!("{:#}\n", json!({ "kind": self.kind, "items": items }))
    }
}
