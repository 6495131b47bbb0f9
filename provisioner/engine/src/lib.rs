//! provisioner/engine
