;; A result that is neither a value nor an error.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $results i32)
  (local.set $results (call $all_null (local.get $count)))
  (i32.store8 (i32.load (local.get $results)) (i32.const 7))
  (i32.const 1216))
