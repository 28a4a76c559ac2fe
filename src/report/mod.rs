//! What is handed on: terminal charts, HTML pages, JSON.
