//! Microsoft Graph's presence endpoints on [`presence_core`]: one process with a folder, or many with
//! `JetStream` of NATS. The README says what it does and how to run it.
//!
//! | file | what it is |
//! |---|---|
//! | `shard` | the users of one shard, as a pure function of their log |
//! | `embedded` | log and snapshots in a file |
//! | `cluster` | log and snapshots in NATS, and who owns which shard |
//! | `service` | one process or many, for the routes |
//! | `watch` | watchers and the latest changes |
//! | `auth` | who may do what |
//! | `error` | an error as Graph words it |
//! | `path` | which resource a path names |
//! | `routes` | what each resource does |
//! | `batch` | many requests in one |
//! | `stream` | the stream of changes |
//! | `layers` | what surrounds every request |
//! | `figures` | what `/metrics` shows |

pub mod auth;
pub mod batch;
pub mod cluster;
pub mod embedded;
pub mod error;
pub mod figures;
pub mod layers;
pub mod path;
pub mod routes;
pub mod service;
pub mod shard;
pub mod stream;
pub mod watch;
