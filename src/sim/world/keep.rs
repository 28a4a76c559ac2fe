//! A world that is set aside as bytes and taken up again: it goes on as if nothing had been.
//!
//! What follows from the specification (who users are, what they ask) is not kept but built anew; of the calendars of
//! intents only how far they have come.

use serde::{Deserialize, Deserializer, Serialize};

use crate::sim::spec::WorldSpec;
use crate::sim::workload::{Progress, Workload};
use crate::sim::world::World;
use crate::sim::world::build::Names;

impl World {
    /// Everything that [`World::resume`] wants, in a form that no person reads; without what was written down of requests
    /// ([`World::recording`]), which only ever grows and is most of it.
    pub fn kept(&self) -> impl Serialize {
        (self.workload.progress(), self)
    }

    /// Takes a world up again that was built of this specification.
    ///
    /// # Errors
    /// What is read is no world, or one of another specification.
    pub fn resume<'de, D: Deserializer<'de>>(spec: &WorldSpec, d: D) -> Result<World, D::Error> {
        let other = |why: &str| serde::de::Error::custom(format!("a world of another specification: {why}"));
        let (progress, mut world) = <(Vec<Progress>, World)>::deserialize(d)?;
        let names = Names::of(&spec.stack);
        let workload = Workload::new(&spec.workload, &names.clients, &names.models, world.seed, spec.open_at);
        world.workload = workload.map_err(|_| other("its workload cannot be built"))?;
        let whole = world.workload.resume(progress) && world.pending.len() == world.workload.sources();
        if whole { Ok(world) } else { Err(other("its sources are others")) }
    }
}
