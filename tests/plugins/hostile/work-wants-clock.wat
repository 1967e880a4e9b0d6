;; Wants what it was not granted.
(import "wasi:clocks/wall-clock@0.2.0" "now" (func $wanted (param i32)))
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (call $wanted (i32.const 4096))
  (call $all_null (local.get $count)))
