//! A repository that runs billform: the roles its workflows take on.

mod roles;
