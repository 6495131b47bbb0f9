//! The built program, driven as a person or a script drives it, as far as no cloud is needed; and what its views
//! write, compared with files.

mod drift;
mod golden;
mod init;
mod policies;
mod program;
mod states;
mod usage;
mod validate;
