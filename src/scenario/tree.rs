//! What a file says, as a tree in which every node knows its file and span; and paths through it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::Place;
use super::source::Source;

/// A value of a file and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// What a node is, in RON's own terms. Literals keep their text; the `ron` crate reads it when the type is known.
#[derive(Clone, Debug)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A character.
    Char(char),
    /// A string, unescaped.
    Text(String),
    /// A byte string, unescaped.
    Bytes(Vec<u8>),
    /// `None` or `Some(value)`.
    Option(Option<Box<Node>>),
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{key: value}`.
    Map(Vec<(Node, Node)>),
    /// `(a, b)` or `Name(a, b)` or `Name`; the last has no items and `bare`. `()` may also be a struct of defaults.
    Tuple {
        /// The name before the parenthesis.
        name: Option<Name>,
        /// The values.
        items: Vec<Node>,
        /// True for a name without parentheses.
        bare: bool,
    },
    /// `(field: a)` or `Name(field: a)`.
    Struct {
        /// The name before the parenthesis.
        name: Option<Name>,
        /// Fields in the order of the file.
        fields: Vec<(Name, Node)>,
    },
    /// Could not be read; the mistake is already reported.
    Broken,
}

/// An identifier and where it stands.
#[derive(Clone, Debug)]
pub struct Name {
    /// The identifier without `r#`.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// The way from the root of a document to a value, by which a check says what it means.
///
/// Enum variants and `Some` are no steps of their own: `Path::root().field("cause").field("onset")` finds `onset` in
/// `cause: Some(Fault(onset: 3))`. Items of a tuple variant are found by [`Path::index`], an only one also directly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    Key(String),
}

impl Path {
    /// The whole document.
    pub fn root() -> Self {
        Path::default()
    }

    /// The value of a struct's field or of a map's entry.
    pub fn field(&self, name: impl Into<String>) -> Self {
        self.then(Step::Field(name.into()))
    }

    /// An item of a list or tuple, from 0.
    pub fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    /// The name of a field or the key of a map's entry itself, not its value. Only the last step.
    pub fn key(&self, name: impl Into<String>) -> Self {
        self.then(Step::Key(name.into()))
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }

    /// Where the value stands. If it is not in the file (a default), the nearest thing around it that is.
    pub fn place_in(&self, root: &Node) -> Place {
        let mut node = root;
        for step in &self.0 {
            match step {
                Step::Key(name) => return node.key_place(name).unwrap_or_else(|| node.head()),
                Step::Field(name) => match node.entry(name) {
                    Some(inner) => node = inner,
                    None => return node.head(),
                },
                Step::Index(index) => match node.item(*index) {
                    Some(inner) => node = inner,
                    None => return node.head(),
                },
            }
        }
        node.place.clone()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if at == 0 => f.write_str(name)?,
                Step::Field(name) | Step::Key(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Node {
    /// A node at a span of a source.
    pub fn new(value: Value, source: &Arc<Source>, span: Range<usize>) -> Self {
        Node { value, place: Place { source: Arc::clone(source), span } }
    }

    /// The string, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of the field or map entry `name`, looking through `Some` and one-item tuples.
    pub fn entry(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Struct { fields, .. } => fields.iter().find(|(n, _)| n.text == name).map(|(_, v)| v),
            Value::Map(entries) => entries.iter().find(|(k, _)| k.as_text() == Some(name)).map(|(_, v)| v),
            _ => self.only_inner().and_then(|inner| inner.entry(name)),
        }
    }

    fn key_place(&self, name: &str) -> Option<Place> {
        match &self.value {
            Value::Struct { fields, .. } => fields.iter().find(|(n, _)| n.text == name).map(|(n, _)| n.place.clone()),
            Value::Map(entries) => {
                entries.iter().find(|(k, _)| k.as_text() == Some(name)).map(|(k, _)| k.place.clone())
            }
            _ => self.only_inner().and_then(|inner| inner.key_place(name)),
        }
    }

    fn item(&self, index: usize) -> Option<&Node> {
        match &self.value {
            Value::List(items) | Value::Tuple { items, .. } if items.len() > index => items.get(index),
            _ => self.only_inner().and_then(|inner| inner.item(index)),
        }
    }

    fn only_inner(&self) -> Option<&Node> {
        match &self.value {
            Value::Option(Some(inner)) => Some(inner),
            Value::Tuple { items, .. } => match items.as_slice() {
                [inner] => Some(inner),
                _ => None,
            },
            _ => None,
        }
    }

    /// The part of the node that names it: the name of a struct or variant, else its first character, so that a
    /// mistake about a whole struct does not underline a page.
    pub fn head(&self) -> Place {
        match &self.value {
            Value::Struct { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => name.place.clone(),
            Value::Struct { .. } | Value::Tuple { .. } | Value::List(_) | Value::Map(_) => {
                let start = self.place.span.start;
                Place { source: Arc::clone(&self.place.source), span: start..(start + 1).min(self.place.span.end) }
            }
            _ => self.place.clone(),
        }
    }
}
