;; Never comes back for one trajectory: the one with three turns.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $row i32)
  (block $done
    (loop $each
      (br_if $done (i32.ge_u (local.get $row) (local.get $count)))
      (if (i32.eq (call $turns (local.get $batch) (local.get $row)) (i32.const 3))
        (then (loop $forever (br $forever))))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br $each)))
  (call $all_null (local.get $count)))
