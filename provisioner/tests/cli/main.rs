//! The built program, driven as a person or a script drives it, as far as no cloud is needed; and what its views
//! write, compared with files.

mod actions;
mod bills;
mod ci;
mod completions;
mod costs;
mod drift;
mod edit;
mod errors;
mod github;
mod golden;
mod graph;
mod imports;
mod init;
mod policies;
mod program;
mod published;
mod states;
mod steering;
mod usage;
mod validate;
