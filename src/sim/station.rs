//! A queue with servers: the one waiting line that every thread pool, worker pool and backend of the stack uses.
