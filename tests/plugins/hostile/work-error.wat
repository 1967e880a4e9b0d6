;; An error for the second trajectory.
(data (i32.const 4096) "cannot score this")
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $results i32)
  (local.set $results (call $all_null (local.get $count)))
  (call $fail (i32.add (i32.load (local.get $results)) (i32.const 24)) (i32.const 4096) (i32.const 17))
  (i32.const 1216))
