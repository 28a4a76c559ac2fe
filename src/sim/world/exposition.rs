//! What components tell the monitoring system when they are scraped.

/// Instruments.
#[derive(Default)]
pub(super) struct Exposition;

impl crate::sim::world::World {
    pub(super) fn scrape(&mut self) {}
    pub(super) fn rename_scraped_label(&mut self, _: &str, _: &str) {}
}
