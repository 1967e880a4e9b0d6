;; Each reward is the number of turns.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $results i32) (local $row i32) (local $result i32)
  (local.set $results
    (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $count) (i32.const 24))))
  (block $done
    (loop $each
      (br_if $done (i32.ge_u (local.get $row) (local.get $count)))
      (local.set $result (i32.add (local.get $results) (i32.mul (local.get $row) (i32.const 24))))
      ;; Ok, some reward, no rewards of turns.
      (i32.store (local.get $result) (i32.const 0))
      (i32.store (i32.add (local.get $result) (i32.const 4)) (i32.const 1))
      (f32.store (i32.add (local.get $result) (i32.const 8))
        (f32.convert_i32_u (call $turns (local.get $batch) (local.get $row))))
      (i32.store (i32.add (local.get $result) (i32.const 12)) (i32.const 0))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br $each)))
  (i32.store (i32.const 1216) (local.get $results))
  (i32.store (i32.const 1220) (local.get $count))
  (i32.const 1216))
