//! Every kind on the local cloud, as a user with the kind's own permissions. One local cloud serves the process; names
//! are unique per test.

mod broken;
mod conforms;
