;; Waits for an hour.
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(func $number (result f32)
  (call $block (call $after (i64.const 3600000000000)))
  (f32.const 0))
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (call $all (local.get $count) (call $number)))
