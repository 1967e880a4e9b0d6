;; Sixteen random bits.
(import "wasi:random/random@0.2.0" "get-random-u64" (func $draw (result i64)))
(func $number (result f32)
  (f32.convert_i64_u (i64.and (call $draw) (i64.const 65535))))
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (call $all (local.get $count) (call $number)))
