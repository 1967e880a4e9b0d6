//! The component `tool_penalty/tool_penalty.wasm`, from the module that `tool_penalty/build` makes.

use std::path::Path;

use wit_component::ComponentEncoder;

#[test]
#[ignore = "needs tool_penalty.module.wasm, which tool_penalty/build makes, and writes the component"]
fn a_component_is_made_of_the_module() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tool_penalty");
    let module = std::fs::read(directory.join("tool_penalty.module.wasm")).unwrap();
    let component = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
    std::fs::write(directory.join("tool_penalty.wasm"), component).unwrap();
}
