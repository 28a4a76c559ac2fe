//! Numbers that name things. Placement, hashing and ties use these; names are a display table.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($int:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $int);

        impl $name {
            /// The number as an index.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// One thing a user wants.
    IntentId(u32);
    /// One try at an intent, as the client makes it.
    AttemptId(u32);
    /// A workload source: one stream of intents.
    SourceId(u16);
    /// A client program: SDK name and version with its settings.
    ClientId(u16);
    /// A customer account.
    AccountId(u32);
    /// A served model.
    ModelId(u8);
    /// A pool of serving replicas for one model.
    PoolId(u8);
    /// A serving replica.
    ReplicaId(u16);
    /// An API gateway replica.
    GatewayId(u16);
    /// A node of the shared cache tier.
    CacheNodeId(u16);
}
