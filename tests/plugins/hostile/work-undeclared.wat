;; Rewards of turns, of which the contract says nothing.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $results i32)
  (local.set $results (i32.load (call $all_null (local.get $count))))
  (i32.store (i32.add (local.get $results) (i32.const 12)) (i32.const 1))
  (i32.store (i32.add (local.get $results) (i32.const 16)) (i32.const 0))
  (i32.store (i32.add (local.get $results) (i32.const 20)) (i32.const 0))
  (i32.const 1216))
