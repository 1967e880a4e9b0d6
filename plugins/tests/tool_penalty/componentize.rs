//! Makes a component of a module that was built for the contract: `componentize MODULE COMPONENT`.

use std::error::Error;

use wit_component::ComponentEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [module, component] = paths.as_slice() else {
        return Err("expected the paths of a module and a component".into());
    };
    let encoded = ComponentEncoder::default().module(&std::fs::read(module)?)?.validate(true).encode()?;
    Ok(std::fs::write(component, encoded)?)
}
