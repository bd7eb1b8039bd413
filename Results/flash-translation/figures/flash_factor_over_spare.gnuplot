# What the drive programs for each byte it is given
# Draw again with: gnuplot flash_factor_over_spare.gnuplot
# Reads flash_factor_over_spare.csv, writes flash_factor_over_spare.svg and flash_factor_over_spare.png.

data = 'flash_factor_over_spare.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set lmargin at screen 0.1040
set rmargin at screen 0.7840
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
unset logscale x
set xrange [0.0159:0.5141]
set xtics ('0.1' 0.1, '0.2' 0.2, '0.3' 0.30000000000000004, '0.4' 0.4, '0.5' 0.5)
set xlabel 'spare' noenhanced
unset logscale y
set yrange [0.0:2.2716988244006293]
set ytics ('0.0' 0.0, '0.5' 0.5, '1.0' 1.0, '1.5' 1.5, '2.0' 2.0)
set ylabel 'Write amplification, flash ÷ write amplification, total' noenhanced font ',11'
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'flash_factor_over_spare.'.kind
  unset label
  unset object
  set label 1 'What the drive programs for each byte it is given' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '100,000 records · batch 1,000 · durability prefix, at_checkpoints · memory 1.38 MiB · seed 5103132997656651' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.8020, screen 0.7837 to screen 0.8240, screen 0.7908 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label '' at screen 0.8130, screen 0.7872 front point pointtype 7 pointsize 1.1 linecolor rgb '#0072b2'
  set label 'sqlite-wal: 1.01' at screen 0.8320, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.8020, screen 0.7411 to screen 0.8240, screen 0.7482 front fillcolor rgb '#009e73' fillstyle solid noborder
  set label '' at screen 0.8130, screen 0.7447 front point pointtype 7 pointsize 1.1 linecolor rgb '#009e73'
  set label 'append-log: 1.00' at screen 0.8320, screen 0.7447 left noenhanced font ',16'
  plot \
    data using (is('append-log') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#009e73', \
    data using (is('sqlite-wal') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#0072b2'
  unset output
}
