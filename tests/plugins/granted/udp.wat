;; Wants a socket for datagrams.
(import "wasi:sockets/udp-create-socket@0.2.0" "create-udp-socket" (func $create (param i32 i32)))
;; Less than zero: the error of a result at 8192, from one.
(func $failed (result f32)
  (call $error (i32.const 8196)))
(func $error (param $place i32) (result f32)
  (f32.neg (f32.convert_i32_u (i32.add (i32.load8_u (local.get $place)) (i32.const 1)))))
(func $number (result f32)
  (call $create (i32.const 0) (i32.const 8192))
  (call $failed))
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (call $all (local.get $count) (call $number)))
