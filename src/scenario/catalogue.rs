//! The scenarios that ship with the program or lie in a directory, by name.
