//! The model of one user for JavaScript. `js/wasm.js` is the other side of the border.
//!
//! Only numbers and texts cross it, and this module imports nothing. So nothing of JavaScript runs while a function
//! runs here, and no exception can pass through one. A call that fails returns its error.
//!
//! JavaScript keeps models as snapshots. One model is here: the one that was restored last.

mod border;
mod exports;
mod id;
mod json;
mod time;
mod views;

use rlsf::SmallGlobalTlsf;

#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();
