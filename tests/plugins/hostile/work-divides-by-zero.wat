;; Gives up for one trajectory: the one with three turns.
(func $divided (param $turns i32) (result i32)
  (i32.div_u (i32.const 1) (i32.sub (local.get $turns) (i32.const 3))))
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $row i32)
  (block $done
    (loop $each
      (br_if $done (i32.ge_u (local.get $row) (local.get $count)))
      (drop (call $divided (call $turns (local.get $batch) (local.get $row))))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br $each)))
  (call $all_null (local.get $count)))
