;; A reward that is not a number, for the last trajectory.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $results i32)
  (local.set $results (call $all_null (local.get $count)))
  (local.set $results
    (i32.add (i32.load (local.get $results)) (i32.mul (i32.sub (local.get $count) (i32.const 1)) (i32.const 24))))
  (i32.store (i32.add (local.get $results) (i32.const 4)) (i32.const 1))
  (f32.store (i32.add (local.get $results) (i32.const 8)) (f32.const nan))
  (i32.const 1216))
