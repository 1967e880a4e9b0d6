;; Opens a file again and again, and closes none.
(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
(import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at" (func $open_at (param i32 i32 i32 i32 i32 i32 i32)))
;; Opens a file in the first directory; its descriptor, or none: the result at 8192 has the error.
(data (i32.const 5000) "{path}")
(func $open (param $how i32) (param $flags i32) (result i32)
  (call $directories (i32.const 8192))
  (call $open_at
    (i32.load (i32.load (i32.const 8192)))
    (i32.const 1) (i32.const 5000) (i32.const {length}) (local.get $how) (local.get $flags) (i32.const 8192))
  (if (i32.load8_u (i32.const 8192)) (then (return (i32.const -1))))
  (i32.load (i32.const 8196)))
;; Less than zero: the error of a result at 8192, from one.
(func $failed (result f32)
  (call $error (i32.const 8196)))
(func $error (param $place i32) (result f32)
  (f32.neg (f32.convert_i32_u (i32.add (i32.load8_u (local.get $place)) (i32.const 1)))))
(func $number (result f32)
  (loop $again
    (br_if $again (i32.ne (call $open (i32.const 0) (i32.const 1)) (i32.const -1))))
  (call $failed))
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (call $all (local.get $count) (call $number)))
