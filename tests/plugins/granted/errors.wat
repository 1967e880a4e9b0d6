;; Says why, and traps.
(import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
(data (i32.const 5000) "thread panicked\nat plugin.rs:7\n")
(func $number (result f32)
  (call $write (call $stderr) (i32.const 5000) (i32.const 31) (i32.const 8192))
  unreachable)
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (call $all (local.get $count) (call $number)))
