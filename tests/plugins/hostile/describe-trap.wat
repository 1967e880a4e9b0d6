;; Does not say what it is.
(func (export "sternlight:plugin/plugin@1.0.0#describe") (result i32)
  unreachable)
