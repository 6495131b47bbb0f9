//! `init`: a first manifest.

use crate::program::Program;

#[test]
fn what_init_writes_is_sound() {
    let program = Program::new();
    let said = program.run(&["init"]).ok();
    assert!(said.contains("billform.yaml") && said.contains("billform plan"), "{said}");
    let said = program.run(&["validate"]).ok();
    assert!(said.starts_with("The manifest is sound: 1 tenant, ") && said.ends_with(" resources.\n"), "{said}");
    assert!(program.read(".gitignore").lines().any(|line| line == ".billform/"));
}

#[test]
fn init_makes_the_folder_it_is_given() {
    let program = Program::new();
    let ran = program.run(&["init", "deep/new", "--format", "json"]);
    assert_eq!(ran.json()["written"], serde_json::json!(["deep/new/billform.yaml", "deep/new/.gitignore"]));
    program.run(&["validate", "-f", "deep/new"]).ok();
}

#[test]
fn init_overwrites_nothing() {
    let program = Program::new();
    program.write("billform.yaml", "mine\n");
    program.write(".gitignore", "target");
    let said = program.run(&["init"]).failed();
    assert!(said.contains("billform.yaml") && said.contains("overwrites nothing"), "{said}");
    assert_eq!(program.read("billform.yaml"), "mine\n");

    std::fs::remove_file(program.path("billform.yaml")).expect("is there");
    program.run(&["init"]).ok();
    let ignored = program.read(".gitignore");
    assert!(ignored.starts_with("target\n") && ignored.ends_with(".billform/\n"), "{ignored}");
    std::fs::remove_file(program.path("billform.yaml")).expect("is there");
    program.run(&["init"]).ok();
    assert_eq!(program.read(".gitignore"), ignored, "the line is there already");
}
