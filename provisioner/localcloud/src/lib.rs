//! provisioner/localcloud
