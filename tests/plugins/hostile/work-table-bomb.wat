;; A table that grows for ever.
(table $functions 0 funcref)
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param i32 i32) (result i32)
  (loop $again
    (br_if $again (i32.ne (table.grow $functions (ref.null func) (i32.const 65536)) (i32.const -1))))
  (call $all_null (local.get 1)))
