;; Imports, a memory of two pages, and an allocator that never frees.
(import "sternlight:plugin/host@1.0.0" "log" (func $log (param i32 i32 i32)))
(import "sternlight:plugin/host@1.0.0" "metric" (func $metric (param i32 i32 f64)))
(memory (export "memory") 2)
(global $next (mut i32) (i32.const 65536))
(func $allocate (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
  (result i32)
  (local $place i32)
  (local.set $place
    (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
  (global.set $next (i32.add (local.get $place) (local.get $size)))
  (block $fits
    (loop $grow
      (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
      unreachable))
  (local.get $place))
;; How many turns a row of a batch of records has: a record has 108 bytes, of which the turns' count lies at 44.
(func $turns (param $batch i32) (param $row i32) (result i32)
  (i32.load offset=44 (i32.add (local.get $batch) (i32.mul (local.get $row) (i32.const 108)))))
;; As many results as wanted, at 1216: Ok, no reward, no rewards of turns.
(func $all_null (param $count i32) (result i32)
  (i32.store (i32.const 1216)
    (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $count) (i32.const 24))))
  (i32.store (i32.const 1220) (local.get $count))
  (i32.const 1216))
;; Makes a result an error with this message.
(func $fail (param $result i32) (param $message i32) (param $length i32)
  (i32.store (local.get $result) (i32.const 1))
  (i32.store (i32.add (local.get $result) (i32.const 4)) (local.get $message))
  (i32.store (i32.add (local.get $result) (i32.const 8)) (local.get $length)))
;; As many results as wanted, at 1216: Ok, this reward, no rewards of turns.
(func $all (param $count i32) (param $reward f32) (result i32)
  (local $results i32) (local $result i32)
  (local.set $results (i32.load (call $all_null (local.get $count))))
  (local.set $result (local.get $results))
  (block $done
    (loop $each
      (br_if $done
        (i32.eq (local.get $result) (i32.add (local.get $results) (i32.mul (local.get $count) (i32.const 24)))))
      (i32.store offset=4 (local.get $result) (i32.const 1))
      (f32.store offset=8 (local.get $result) (local.get $reward))
      (local.set $result (i32.add (local.get $result) (i32.const 24)))
      (br $each)))
  (i32.const 1216))
