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

    // Editors find the schemas: of the manifest, and of a tenant's file.
    assert!(program.read("billform.yaml").starts_with("# yaml-language-server: $schema=./billform.schema.json\n"));
    for (arguments, file) in
        [(&["schema"][..], "billform.schema.json"), (&["schema", "--tenant"], "tenant.schema.json")]
    {
        let printed: serde_json::Value = serde_json::from_str(&program.run(arguments).ok()).expect("JSON");
        let written: serde_json::Value = serde_json::from_str(&program.read(file)).expect("JSON");
        assert_eq!(printed, written, "{file}");
        assert!(printed["properties"].get(if file.starts_with("tenant") { "email" } else { "tenants" }).is_some());
    }
    program.write("tenants/beta.yaml", "id: beta\nname: B\nemail: b@b.example\ntags: { ClientOrganization: B }\n");
    program
        .run(&["tenant", "add", "ceta", "--name", "C", "--email", "c@c.example", "--tag", "ClientOrganization=C"])
        .ok();
    let added = program.read("tenants/ceta.yaml");
    assert!(added.starts_with("# yaml-language-server: $schema=../tenant.schema.json\n"), "{added}");
    program.run(&["validate"]).ok();
}

#[test]
fn init_makes_the_folder_it_is_given() {
    let program = Program::new();
    let ran = program.run(&["init", "deep/new", "--format", "json"]);
    assert_eq!(
        ran.json()["written"],
        serde_json::json!([
            "deep/new/billform.yaml",
            "deep/new/.gitignore",
            "deep/new/billform.schema.json",
            "deep/new/tenant.schema.json"
        ])
    );
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
