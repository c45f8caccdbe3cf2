//! Microsoft Graph's presence endpoints on [`presence_core`]: one process with a folder, or many with
//! `JetStream` of NATS. The README says what it does and how to run it.
//!
//! | file | what it is |
//! |---|---|
//! | `server` | the flags, and what the server is made of |
//! | `shard` | the users of one shard, as a pure function of their log |
//! | `embedded` | log and snapshots in a file |
//! | `ownership` | who owns which shard, as a state machine |
//! | `cluster` | log and snapshots in NATS, and the owners of shards |
//! | `service` | one process or many, for the routes |
//! | `watch` | watchers and the latest changes |
//! | `auth` | who may do what |
//! | `error` | an error as Graph words it |
//! | `path` | which resource a path names |
//! | `routes` | what each resource does |
//! | `batch` | many requests in one |
//! | `stream` | the stream of changes |
//! | `operations` | what operators ask |
//! | `layers` | what surrounds every request |
//! | `body` | the bodies of requests |
//! | `origin` | which web pages may send requests |
//! | `connections` | connections, and the time and number they have |
//! | `figures` | what `/metrics` shows |
//! | `tasks` | what must run as long as the process |

pub mod auth;
pub mod batch;
mod body;
pub mod cluster;
mod connections;
mod embedded;
pub mod error;
mod figures;
mod layers;
mod operations;
mod origin;
pub mod ownership;
pub mod path;
mod routes;
pub mod server;
mod service;
pub mod shard;
mod stream;
pub mod tasks;
pub mod watch;
