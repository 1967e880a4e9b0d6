;; A hundred for each variable, and the length of the first value.
(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
(func $number (result f32)
  (call $environment (i32.const 8192))
  (f32.convert_i32_u
    (i32.add
      (i32.mul (i32.load (i32.const 8196)) (i32.const 100))
      (select
        (i32.load offset=12 (i32.load (i32.const 8192)))
        (i32.const 0)
        (i32.load (i32.const 8196))))))
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (call $all (local.get $count) (call $number)))
